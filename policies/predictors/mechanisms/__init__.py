"""A predictor that weighs mechanisms of contention by what batches show of them."""
