"""Routers: which of several GPUs serves a request."""
