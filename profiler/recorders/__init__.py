"""What watches batches run on a GPU: kernels one by one, and their hardware counters."""
