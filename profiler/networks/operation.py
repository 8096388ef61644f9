"""One kernel of an inference engine that fuses, described by shapes alone."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Operation:
    """Describe a kernel as `copies` products of a (rows x depth) by a (depth x columns) matrix.

    A convolution is the product its implicit GEMM does; fused attention is, per head, rows x head width outputs of
    depth 2 x keys. A `pointwise` kernel has one column, and `depth` counts its instructions an output instead.

    Parameters
    ----------
    kind
        `gemm` and `attention` may use tensor cores; `depthwise` and `pointwise` cannot.
    inputs, outputs
        Activation elements read and written.
    parameters
        Learned elements this kernel holds.
    weights_read
        Learned elements it reads; all its parameters unless it gathers from a table.

    Examples
    --------
    >>> Operation("fc", "gemm", rows=8, columns=1000, depth=2048, inputs=8 * 2048, outputs=8000).multiply_adds
    16384000
    """

    name: str
    kind: Literal["gemm", "attention", "depthwise", "pointwise"]
    rows: int
    columns: int
    depth: int
    inputs: int
    outputs: int
    copies: int = 1
    parameters: int = 0
    weights_read: int = 0

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the matrix products, as model papers count them: nothing for pointwise kernels."""
        return 0 if self.kind == "pointwise" else self.copies * self.rows * self.columns * self.depth
