"""Predictors that learn a function of resource use: one learner a file."""
