"""How many GPUs, which models on which, in which batches: worked out before anything runs."""
