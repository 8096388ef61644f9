"""What the data sheets say of the GPUs an analytic profile can be computed for.

Streaming multiprocessors, operations a clock, memory and link come from NVIDIA's data sheets and architecture papers
(V100, T4, A100, H100: SXM boards of 32, -, 80 and 80 GB; L4 and T4: PCIe boards). Two numbers are not on data sheets:

- `clock_mhz`, the clock held under matrix products. 1530 (V100) and 1410 (A100) are the data sheets' boost clocks, and
  the H100 is taken at 1755. L4 and T4 boost to 2040 and 1590 MHz, but no such load runs at that clock within 72 W and
  70 W: they are taken at 60 % of it. This is an assumption; a recording on the GPU replaces it.
- `l2_bytes_per_clock`: 2048 (V100) and 5120 (A100) are published by NVIDIA and 5120 is used for the H100;
  T4 (1024) and L4 (1536) are assumed from their number of cache slices, 32 bytes each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from isim.profiler.nearest import known


@dataclass(frozen=True, slots=True)
class Gpu:
    """Describe a GPU by what one SM does a clock and what all of them share.

    Examples
    --------
    >>> v100 = find_gpu("V100")
    >>> round(v100.tensor_flops / 1e12), round(v100.fp32_flops / 1e12, 1)
    (125, 15.7)
    >>> round(v100.l2_bytes_per_s / 1e9)
    3133
    """

    name: str
    sms: int
    clock_mhz: int
    tensor_multiply_adds_per_clock: int  # of one SM, FP16 inputs, without sparsity
    fp32_multiply_adds_per_clock: int  # of one SM
    l2_bytes: int
    l2_bytes_per_clock: int
    dram_bytes_per_s: float
    pcie_bytes_per_s: float  # one direction
    memory_bytes: int

    @property
    def tensor_flops(self) -> float:
        """Peak FP16 tensor-core operations a second, two a multiply-add."""
        return 2e6 * self.clock_mhz * self.sms * self.tensor_multiply_adds_per_clock

    @property
    def fp32_flops(self) -> float:
        """Peak FP32 operations a second outside the tensor cores, two a multiply-add."""
        return 2e6 * self.clock_mhz * self.sms * self.fp32_multiply_adds_per_clock

    @property
    def l2_bytes_per_s(self) -> float:
        """Peak bytes a second between the L2 cache and all SMs."""
        return 1e6 * self.clock_mhz * self.l2_bytes_per_clock


_MIB, _GIB = 2**20, 2**30
_PCIE_3, _PCIE_4, _PCIE_5 = 15.75e9, 31.5e9, 63e9  # 16 lanes
_GPUS: Mapping[str, Gpu] = MappingProxyType(
    {
        gpu.name: gpu
        for gpu in (
            Gpu("A100", 108, 1410, 1024, 64, 40 * _MIB, 5120, 2039e9, _PCIE_4, 80 * _GIB),
            Gpu("H100", 132, 1755, 2048, 128, 50 * _MIB, 5120, 3352e9, _PCIE_5, 80 * _GIB),
            Gpu("L4", 58, 1224, 512, 128, 48 * _MIB, 1536, 300e9, _PCIE_4, 24 * _GIB),
            Gpu("T4", 40, 954, 512, 64, 4 * _MIB, 1024, 320e9, _PCIE_3, 16 * _GIB),
            Gpu("V100", 80, 1530, 512, 64, 6 * _MIB, 2048, 900e9, _PCIE_3, 32 * _GIB),
        )
    }
)


def gpu_names() -> tuple[str, ...]:
    """Return the names of all GPUs, sorted.

    Examples
    --------
    >>> gpu_names()
    ('A100', 'H100', 'L4', 'T4', 'V100')
    """
    return tuple(_GPUS)


def find_gpu(name: str) -> Gpu:
    """Return a GPU by name.

    Raises
    ------
    ProfileError
        No GPU has this name; the message names the nearest.

    Examples
    --------
    >>> find_gpu("T4").sms
    40
    """
    return _GPUS[known(name, _GPUS, "GPU")]
