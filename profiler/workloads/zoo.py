"""Networks of real shapes with random weights, and graphs that load one resource each; nothing is downloaded."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from isim.profiler.nearest import known

if TYPE_CHECKING:
    from isim.profiler.workloads.graph import Graph


def zoo_names() -> tuple[str, ...]:
    """Return the names of the built-in models.

    Examples
    --------
    >>> zoo_names()
    ('depthwise', 'mlp', 'resnet18', 'stress-fma', 'stress-memory', 'transformer4')
    """
    return tuple(sorted(_ZOO))


def build_model(name: str) -> bytes:
    """Build a model of the zoo: the content of an `.onnx` file, the same at every call.

    Raises
    ------
    ProfileError
        No model has this name; the message names the nearest.

    Examples
    --------
    >>> import onnx
    >>> [node.op_type for node in onnx.load_from_string(build_model("mlp")).graph.node][:3]
    ['MatMul', 'Add', 'Relu']
    """
    from isim.profiler.workloads.graph import Graph

    known(name, zoo_names(), "built-in model")
    graph = Graph(name)
    return graph.serialised(_ZOO[name](graph))


def _resnet18(graph: "Graph") -> str:
    """Return ResNet-18 (He et al. 2015), batch normalisation folded into its convolutions."""
    x = graph.relu(graph.conv(graph.input("image", [3, 224, 224]), 3, 64, kernel=7, stride=2))
    x = graph.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage in (64, 128, 256, 512):
        for block in range(2):
            stride = 2 if stage > 64 and block == 0 else 1
            inside = graph.relu(graph.conv(x, channels, stage, kernel=3, stride=stride))
            inside = graph.conv(inside, stage, stage, kernel=3)
            straight = x if channels == stage else graph.conv(x, channels, stage, kernel=1, stride=stride)
            x = graph.relu(graph.add(inside, straight))
            channels = stage
    return graph.linear(graph.node("Flatten", graph.node("GlobalAveragePool", x)), 512, 1000)


def _depthwise(graph: "Graph") -> str:
    """Return a network of depthwise separable convolutions with the shapes of MobileNetV1 (Howard et al. 2017)."""
    x, channels = graph.relu(graph.conv(graph.input("image", [3, 224, 224]), 3, 32, kernel=3, stride=2)), 32
    layers = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for outputs, stride in layers:
        x = graph.relu(graph.conv(x, channels, channels, kernel=3, stride=stride, groups=channels))
        x, channels = graph.relu(graph.conv(x, channels, outputs, kernel=1)), outputs
    return graph.linear(graph.node("Flatten", graph.node("GlobalAveragePool", x)), 1024, 1000)


def _transformer4(graph: "Graph") -> str:
    """Return a transformer encoder of 4 layers, width 512, 8 heads, feed-forward 2048, over 128 tokens."""
    tokens, width, heads, layers, words = 128, 512, 8, 4, 8192
    x = graph.node("Gather", graph.weight([words, width]), graph.input("tokens", [tokens], tokens=True))
    x = graph.norm(graph.add(x, graph.weight([tokens, width])), width)
    for _ in range(layers):
        query, key, value = (
            graph.node("Transpose", graph.reshape(graph.linear(x, width, width), [0, 0, heads, -1]), perm=perm)
            for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
        )
        scale = graph.constant(np.array((width / heads) ** -0.5, np.float32))
        scores = graph.node("Softmax", graph.node("Mul", graph.node("MatMul", query, key), scale), axis=-1)
        mixed = graph.node("Transpose", graph.node("MatMul", scores, value), perm=[0, 2, 1, 3])
        x = graph.norm(graph.add(x, graph.linear(graph.reshape(mixed, [0, 0, width]), width, width)), width)
        inside = graph.relu(graph.linear(x, width, 4 * width))
        x = graph.norm(graph.add(x, graph.linear(inside, 4 * width, width)), width)
    return graph.linear(graph.node("ReduceMean", x, axes=[1], keepdims=0), width, 2)


def _mlp(graph: "Graph") -> str:
    """Return four layers of width 2048 over 1024 features, as a ranking model ends in."""
    x, width = graph.input("features", [1024]), 1024
    for outputs in (2048, 2048, 2048, 512):
        x, width = graph.relu(graph.linear(x, width, outputs)), outputs
    return graph.linear(x, width, 1)


def _stress_fma(graph: "Graph") -> str:
    """Return products of matrices that stay in the second-level cache: it needs arithmetic and nothing else."""
    x, width = graph.input("rows", [256, 256]), 256
    weight = graph.weight([width, width])
    for _ in range(8):
        x = graph.node("MatMul", x, weight)
    return graph.node("Flatten", x)


def _stress_memory(graph: "Graph") -> str:
    """Return sums over arrays of 16 MiB: each element is read, added to and written once."""
    x = graph.input("array", [4 << 20])
    for _ in range(4):
        x = graph.add(x, graph.constant(np.ones(4 << 20, np.float32)))
    return x


_ZOO: Mapping[str, Callable[["Graph"], str]] = MappingProxyType(
    {
        "depthwise": _depthwise,
        "mlp": _mlp,
        "resnet18": _resnet18,
        "stress-fma": _stress_fma,
        "stress-memory": _stress_memory,
        "transformer4": _transformer4,
    }
)
