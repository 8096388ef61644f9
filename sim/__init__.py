"""Simulate ML inference serving with co-location on GPUs, from profiles recorded on the GPU."""

__version__ = "0.1.0"
