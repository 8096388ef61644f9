"""What is run and measured: ONNX graphs, callables, and the built-in zoo."""
