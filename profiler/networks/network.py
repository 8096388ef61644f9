"""A network at one batch size: its kernels in launch order, built layer by layer from shapes."""

from dataclasses import dataclass, field
from typing import NamedTuple

from isim.profiler.networks.operation import Operation


class Image(NamedTuple):
    """The shape of one sample's feature map.

    Examples
    --------
    >>> Image(3, 224, 224).elements
    150528
    """

    channels: int
    height: int
    width: int

    @property
    def elements(self) -> int:
        """Elements of one sample."""
        return self.channels * self.height * self.width


@dataclass
class Network:
    """Collect the kernels of one batch; each method adds what a fusing engine launches for a layer.

    Bias, activation, folded batch normalisation, layer scale and a residual addition belong to the kernel of the
    convolution or linear layer before them.

    Parameters
    ----------
    input_bytes, output_bytes
        Copied to and from the device for the whole batch.

    Examples
    --------
    >>> network = Network(batch_size=2, input_bytes=0, output_bytes=0)
    >>> network.conv("stem", Image(3, 224, 224), 64, kernel=7, stride=2)
    Image(channels=64, height=112, width=112)
    >>> network.parameters, network.multiply_adds
    (9472, 236027904)
    >>> network.depthwise("depthwise", Image(64, 112, 112), kernel=3)
    >>> network.pool("pool", Image(64, 112, 112), kernel=2, stride=2).elements
    200704
    >>> network.norm("norm", rows=2 * 128, width=768)
    >>> network.linear("query", rows=2 * 128, inputs=768, outputs=768)
    >>> network.attention("attention", tokens=128, width=768, heads=12)
    >>> network.pointwise("softmax", inputs=2000, outputs=2000, instructions=10)
    >>> [operation.name for operation in network.operations]
    ['stem', 'depthwise', 'pool', 'norm', 'query', 'attention', 'softmax']
    """

    batch_size: int
    input_bytes: int
    output_bytes: int
    operations: list[Operation] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        """Learned elements, batch normalisation folded into the layer before it."""
        return sum(operation.parameters for operation in self.operations)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the whole batch."""
        return sum(operation.multiply_adds for operation in self.operations)

    def conv(
        self, name: str, image: Image, channels: int, kernel: int, stride: int = 1, *, residual: bool = False
    ) -> Image:
        """Add a convolution padded by half its kernel (none if it strides by its kernel) and return its output."""
        out = _slid(image, channels, kernel, stride, 0 if stride == kernel else kernel // 2)
        depth = image.channels * kernel * kernel
        self._gemm(
            name, self.batch_size * out.height * out.width, channels, depth, image.elements * self.batch_size, residual
        )
        return out

    def linear(
        self, name: str, rows: int, inputs: int, outputs: int, *, residual: bool = False, scale: int = 0
    ) -> None:
        """Add a linear layer over `rows` rows; `scale` counts further learned elements, such as a layer scale."""
        self._gemm(name, rows, outputs, inputs, rows * inputs, residual, scale)

    def attention(self, name: str, tokens: int, width: int, heads: int) -> None:
        """Add fused attention: both products and the softmax in one kernel, scores never leaving the chip."""
        elements = self.batch_size * tokens * width
        operation = Operation(
            name,
            "attention",
            tokens,
            width // heads,
            2 * tokens,
            3 * elements,
            elements,
            copies=self.batch_size * heads,
        )
        self.operations.append(operation)

    def depthwise(self, name: str, image: Image, kernel: int) -> None:
        """Add a convolution of each channel with its own filter."""
        elements = self.batch_size * image.elements
        parameters = image.channels * (kernel * kernel + 1)
        operation = Operation(
            name, "depthwise", elements, 1, kernel * kernel, elements, elements, 1, parameters, parameters
        )
        self.operations.append(operation)

    def pool(self, name: str, image: Image, kernel: int, stride: int, padding: int = 0) -> Image:
        """Add a pooling layer and return its output."""
        out = _slid(image, image.channels, kernel, stride, padding)
        self.pointwise(name, image.elements * self.batch_size, out.elements * self.batch_size, kernel * kernel)
        return out

    def norm(self, name: str, rows: int, width: int) -> None:
        """Add a layer normalisation of `rows` rows."""
        # Sum, sum of squares, shift, scale and the affine map: about ten instructions an element.
        self.pointwise(name, rows * width, rows * width, 10, parameters=2 * width)

    def pointwise(
        self,
        name: str,
        inputs: int,
        outputs: int,
        instructions: int,
        parameters: int = 0,
        weights_read: int | None = None,
    ) -> None:
        """Add a kernel without matrix products, of so many instructions an output."""
        read = parameters if weights_read is None else weights_read
        self.operations.append(
            Operation(name, "pointwise", outputs, 1, instructions, inputs, outputs, 1, parameters, read)
        )

    def _gemm(
        self, name: str, rows: int, columns: int, depth: int, inputs: int, residual: bool, scale: int = 0
    ) -> None:
        outputs = rows * columns
        parameters = columns * (depth + 1) + scale
        reads = inputs + (outputs if residual else 0)
        self.operations.append(Operation(name, "gemm", rows, columns, depth, reads, outputs, 1, parameters, parameters))


def _slid(image: Image, channels: int, kernel: int, stride: int, padding: int) -> Image:
    height, width = ((size + 2 * padding - kernel) // stride + 1 for size in (image.height, image.width))
    return Image(channels, height, width)
