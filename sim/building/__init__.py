"""From an experiment to a world: its keys, inputs, names and objectives, checked."""
