"""Reach the CUDA driver through pycuda, and say in one sentence what is missing or went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from isim.errors import NoDeviceError, ProfileError

INSTEAD = "--device cpu and --device analytic:GPU work without one"
_HOW = "docs/profile-a-gpu.md shows how"


def cuda_driver() -> Any:
    """Return pycuda's driver module, initialised.

    Raises
    ------
    NoDeviceError
        pycuda, the NVIDIA driver or a GPU is missing.
    """
    try:
        import pycuda.driver as cuda
    except ImportError as error:
        raise NoDeviceError(_why_not(error)) from None
    try:
        cuda.init()
        count = cuda.Device.count()
    except cuda.Error as error:
        raise NoDeviceError(f"CUDA: no usable GPU ({error}); look at 'nvidia-smi'; {INSTEAD}") from None
    if count == 0:
        raise NoDeviceError(f"CUDA: no GPU is visible; look at CUDA_VISIBLE_DEVICES; {INSTEAD}")
    return cuda


def _why_not(error: ImportError) -> str:
    if error.name and error.name.partition(".")[0] == "pycuda":
        return f"CUDA: pycuda is not installed; install isim-serving[gpu] where a CUDA toolkit is ({_HOW}); {INSTEAD}"
    if "libcuda" in str(error):
        return f"CUDA: this machine has no NVIDIA driver ({error}); {INSTEAD}"
    return f"CUDA: pycuda does not load ({error}); build it again with this machine's CUDA toolkit ({_HOW}); {INSTEAD}"


@contextmanager
def explained(cuda: Any, where: str) -> Iterator[None]:
    """Turn what the driver reports into one sentence.

    Raises
    ------
    ProfileError
        The driver reported anything.
    """
    try:
        yield
    except cuda.MemoryError as error:
        raise ProfileError(
            f"{where}: GPU memory is full ({error}); profile smaller batches, or end what else uses the GPU"
        ) from None
    except cuda.Error as error:
        raise ProfileError(
            f"{where}: the GPU failed ({error}); look at 'dmesg' for Xid errors, then repeat the command: "
            "it goes on where it stopped"
        ) from None
