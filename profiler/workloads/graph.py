"""Build an ONNX graph layer by layer, with random weights: durations depend on shapes, not on what was learned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17
_IR_VERSION = 8  # the oldest that holds this opset, so that older runtimes read it too


class Graph:
    """Collect the layers of a network whose first dimension is the batch; each method returns the layer's output.

    Parameters
    ----------
    name
        Of the graph; it seeds the weights.

    Examples
    --------
    >>> graph = Graph("tiny")
    >>> x = graph.input("x", [8])
    >>> len(graph.serialised(graph.linear(x, 8, 4))) > 8 * 4 * 4
    True
    >>> x = graph.relu(graph.conv(graph.input("image", [3, 8, 8]), 3, 4, kernel=3))
    >>> x = graph.norm(graph.reshape(x, [0, -1]), 256)
    >>> graph.add(x, graph.constant(np.ones(256, np.float32)))
    'add6'
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._random = np.random.default_rng(sum(name.encode()))
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []

    def input(self, name: str, shape: Sequence[int], tokens: bool = False) -> str:
        """Add an input: float32 of this shape a sample, or int64 tokens."""
        kind = TensorProto.INT64 if tokens else TensorProto.FLOAT
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["batch", *shape]))
        return name

    def weight(self, shape: Sequence[int]) -> str:
        """Add weights, scaled so that activations keep their size."""
        fan_in = int(np.prod(shape[1:])) if len(shape) != 2 else shape[0]
        values = self._random.standard_normal(shape, dtype=np.float32) / np.float32(max(fan_in, 1) ** 0.5)
        return self.constant(values)

    def constant(self, values: npt.NDArray[Any]) -> str:
        """Add a constant."""
        name = f"weight{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output."""
        name = f"{operator.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def conv(self, x: str, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> str:
        """Add a convolution with bias, padded by half its kernel."""
        weight, bias = self.weight([outputs, inputs // groups, kernel, kernel]), self.weight([outputs])
        pads = [kernel // 2] * 4
        return self.node("Conv", x, weight, bias, strides=[stride] * 2, pads=pads, group=groups)

    def linear(self, x: str, inputs: int, outputs: int) -> str:
        """Add a matrix product with bias."""
        return self.node("Add", self.node("MatMul", x, self.weight([inputs, outputs])), self.weight([outputs]))

    def relu(self, x: str) -> str:
        """Add a rectifier."""
        return self.node("Relu", x)

    def add(self, x: str, y: str) -> str:
        """Add an addition."""
        return self.node("Add", x, y)

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Add a change of shape; 0 keeps a dimension, -1 is what is left."""
        return self.node("Reshape", x, self.constant(np.array(shape, dtype=np.int64)))

    def norm(self, x: str, width: int) -> str:
        """Add a layer normalisation over the last dimension."""
        ones, zeros = self.constant(np.ones(width, np.float32)), self.constant(np.zeros(width, np.float32))
        return self.node("LayerNormalization", x, ones, zeros, axis=-1)

    def serialised(self, output: str, axes: int = 2) -> bytes:
        """Return the model whose result is `output`, of so many axes, as the content of an `.onnx` file."""
        # One symbol a dimension: how many there are is part of the format, how long they are is for the runtime.
        shape = ["batch", *(f"size{axis}" for axis in range(1, axes))]
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self._nodes, self._name, self._inputs, [result], self._weights)
        opset = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="isim")
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content
