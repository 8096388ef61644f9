"""From what is asked for, models with rates and objectives, by a planner to an experiment that runs its plan."""
