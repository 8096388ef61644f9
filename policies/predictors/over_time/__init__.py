"""Which co-runners count how much over the life of a batch: one reading a file."""
