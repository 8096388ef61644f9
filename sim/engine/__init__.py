"""The simulated world: the clock, the servers, their GPUs and what is known of them."""
