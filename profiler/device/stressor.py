"""Kernels that load one resource of a GPU, as models that can be profiled and co-located: `stress-dram:0.5`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from isim.errors import ProfileError

SOURCE = Path(__file__).with_name("kernels") / "stressors.cu"
# Of each: the size of its buffer as a share of the L2 cache. Far below 1 it stays in the cache, far above it never is.
STRESSORS: Mapping[str, float] = MappingProxyType(
    {"stress-fma": 0.0, "stress-tensor": 0.0, "stress-l2": 0.25, "stress-dram": 8.0, "stress-shared": 0.0}
)
_BLOCKS_PER_SM, _THREADS = 2, 256
_FLOAT4_BYTES = 16
_ARCHITECTURE = "compute_75"  # the first with tensor cores of the shape that is used
_ROUNDS = 100  # of a batch of one sample


def is_stressor(model: str) -> bool:
    """Return whether a model's name is that of a stressor, with or without an intensity.

    Examples
    --------
    >>> is_stressor("stress-dram:0.5"), is_stressor("resnet18")
    (True, False)
    """
    return model.partition(":")[0] in STRESSORS


def intensity(model: str) -> float:
    """Return the share of the time in which a stressor loads its resource.

    Raises
    ------
    ProfileError
        It is not within 0.01 and 1.

    Examples
    --------
    >>> intensity("stress-dram:0.5"), intensity("stress-fma")
    (0.5, 1.0)
    """
    text = model.partition(":")[2] or "1"
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.01 <= share <= 1:
        raise ProfileError(f"{model}: not an intensity (found {text!r}); write a share of the time within 0.01 and 1")
    return share


def compile_kernels() -> Any:
    """Compile the kernels for the GPU whose context is current; return pycuda's module.

    Raises
    ------
    ProfileError
        There is no nvcc, or it refuses.
    """
    import pycuda.compiler as compiler
    import pycuda.driver as cuda

    try:
        # PTX, which the driver compiles for its GPU: so a toolkit that is older than the GPU will do.
        ptx = compiler.compile(SOURCE.read_text(), target="ptx", arch=_ARCHITECTURE, no_extern_c=True)
    except (compiler.CompileError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ProfileError(
            f"{SOURCE.name}: cannot be compiled ({reason}); put the CUDA toolkit's nvcc on PATH"
        ) from None
    return cuda.module_from_buffer(ptx)


class Stressor:
    """Load one resource of the GPU whose context is current: a `Workload`.

    Parameters
    ----------
    model
        One of `STRESSORS`, and `:` with an intensity, the share of the time in which it works.
    batch_size
        Its duration grows in proportion.

    Raises
    ------
    ProfileError
        The intensity is none, or the kernels cannot be compiled.
    """

    def __init__(self, model: str, batch_size: int, gpu: Any) -> None:
        import numpy as np
        import pycuda.driver as cuda

        name = model.partition(":")[0]
        self.model = model
        self.batch_size = batch_size
        rest = 1 / intensity(model) - 1
        attribute = cuda.device_attribute
        words = max(int(STRESSORS[name] * gpu.get_attribute(attribute.L2_CACHE_SIZE)) // _FLOAT4_BYTES, 1)
        self._module = compile_kernels()
        self._memory = cuda.mem_alloc(words * _FLOAT4_BYTES)
        self._kernel = self._module.get_function(name.replace("-", "_"))
        self._arguments = (self._memory, np.uint64(words), np.int32(_ROUNDS * batch_size), np.float32(rest))
        self._grid = (_BLOCKS_PER_SM * gpu.get_attribute(attribute.MULTIPROCESSOR_COUNT), 1)

    def run(self, stream: Any) -> None:
        """Queue one batch on a pycuda stream."""
        self._kernel(*self._arguments, block=(_THREADS, 1, 1), grid=self._grid, stream=stream)

    def close(self) -> None:
        """Give memory and module back."""
        self._memory.free()
        del self._kernel, self._arguments, self._module
