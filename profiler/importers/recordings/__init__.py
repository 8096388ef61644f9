"""Measured co-location that others published, as recordings; one foreign format a file."""
