"""What predictors are judged on, and by."""
