"""Say what this host can record of a GPU, and what to do about the rest."""

import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from isim.errors import ProfileError
from isim.profiler.cuda_bench import recorder_name
from isim.profiler.device.cuda import CudaDevice, mps_runs
from isim.profiler.device.cuda_driver import INSTEAD, cuda_driver
from isim.profiler.nvml import locked_clocks, nvml_device, sample
from isim.profiler.permission import counters_forbidden

_DRIVER = "install NVIDIA's driver for this GPU, restart, and look at 'nvidia-smi'"
_PYCUDA = "build it where the CUDA toolkit is: pip install 'isim-serving[gpu]' (docs/profile-a-gpu.md)"


class Finding(NamedTuple):
    """One thing that a recording may need.

    Parameters
    ----------
    name
        What it is.
    usable
        Whether a recording can use it; None where it cannot be told.
    found
        What is there.
    remedy
        What to do to have it; empty where nothing is to do.
    """

    name: str
    usable: bool | None
    found: str
    remedy: str = ""


def check_host() -> list[Finding]:
    """Look for everything that recording on a GPU may use; changes nothing.

    Examples
    --------
    >>> {"driver", "NVML", "pycuda", "GPU", "ncu"} <= {finding.name for finding in check_host()}
    True
    """
    gpu = _gpu()
    return [*_nvml(), _pycuda(), *gpu, _kernels(), _nsys(), _ncu(), _counters(), _mps()]


def usable_gpu(findings: list[Finding]) -> bool:
    """Return whether batches can be run on a GPU of this host.

    Examples
    --------
    >>> usable_gpu([Finding("GPU", False, "none that can be used"), Finding("ncu", True, "/usr/bin/ncu")])
    False
    """
    return any(finding.name == "GPU" and finding.usable for finding in findings)


def _nvml() -> Iterator[Finding]:
    import pynvml

    try:
        with nvml_device(0) as handle:
            yield Finding("driver", True, str(pynvml.nvmlSystemGetDriverVersion()))
            taken = sample(handle, 0)
            absent = [name for name, value in zip(taken._fields, taken, strict=True) if value is None]
            found = "clocks, power, temperature, throttle reasons" if not absent else f"all but {', '.join(absent)}"
            yield Finding("NVML", True, found)
            with locked_clocks(handle) as refused:
                what, _, remedy = (refused or "permitted").partition("; ")
                yield Finding("clock locking", refused is None, what, remedy)
    except ProfileError as error:
        yield Finding("driver", False, str(error).partition("; ")[0], _DRIVER)
        yield Finding("NVML", False, "not without a driver")
        yield Finding("clock locking", False, "not without a driver")


def _pycuda() -> Finding:
    try:
        return Finding("pycuda", True, version("pycuda"))
    except PackageNotFoundError:
        return Finding("pycuda", False, "not installed", _PYCUDA)


def _gpu() -> list[Finding]:
    try:
        cuda = cuda_driver()
        number = cuda.get_driver_version()
        findings = [Finding("CUDA", True, f"{number // 1000}.{number % 1000 // 10}")]
    except ProfileError as error:
        what, _, remedy = str(error).removeprefix("CUDA: ").removesuffix(f"; {INSTEAD}").partition("; ")
        return [Finding("CUDA", False, what, remedy), Finding("GPU", False, "none that can be used")]
    for index in range(cuda.Device.count()):
        try:
            device = CudaDevice(index)
            try:
                findings.append(Finding("GPU", True, _described(index, dict(device.facts()))))
            finally:
                device.close()
        except ProfileError as error:
            findings.append(Finding("GPU", False, *str(error).split("; ", 1)))
    return findings


def _described(index: int, facts: dict[str, float]) -> str:
    return (
        f"cuda:{index} {facts['name']}, {facts['sms']} SMs at {facts['sm_clock_mhz']:.0f} MHz, "
        f"L2 {facts['l2_bytes'] / 2**20:.0f} MiB, memory {facts['dram_bytes'] / 2**30:.0f} GiB "
        f"at {facts['dram_bytes_per_s'] / 1e9:.0f} GB/s"
    )


def _kernels() -> Finding:
    products = {"cupti": "CUPTI (cupti-python)", "torch": "torch.profiler", "nsys": "nsys"}
    name = recorder_name()
    if name is None:
        return Finding("kernels", False, "whole batches only", "pip install cupti-python, or install PyTorch or nsys")
    return Finding("kernels", True, f"one by one, through {products[name]}")


def _nsys() -> Finding:
    return _tool("nsys", "Nsight Systems")


def _ncu() -> Finding:
    return _tool("ncu", "Nsight Compute")


def _tool(name: str, product: str) -> Finding:
    path = shutil.which(name)
    return Finding(name, True, path) if path else Finding(name, False, "not on PATH", f"install {product}")


def _counters() -> Finding:
    if not Path("/proc/driver/nvidia/params").exists():
        return Finding("counters", None, "the driver does not say who may read them")
    forbidden = counters_forbidden()
    if forbidden is None:
        return Finding("counters", True, "permitted")
    return Finding("counters", False, *forbidden.split("; ", 1))


def _mps() -> Finding:
    if mps_runs():
        return Finding("MPS", True, "its daemon runs")
    return Finding("MPS", False, "its daemon does not run", "start it: nvidia-cuda-mps-control -d")
