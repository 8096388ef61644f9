"""Open a GPU with what this host lets us record on it, and note what it does not."""

import importlib.util
import shutil
from collections.abc import Callable

from isim.errors import ProfileError
from isim.profiler.device.contract import Bench, Counters, KernelRecorder, TelemetrySource
from isim.profiler.device.cuda import CudaDevice
from isim.profiler.nvml import NvmlTelemetry, locked_clocks, nvml_device
from isim.profiler.permission import counters_forbidden
from isim.profiler.recorders.cupti_recorder import CuptiRecorder
from isim.profiler.recorders.ncu_counters import NcuCounters
from isim.profiler.recorders.nsys_recorder import NsysRecorder
from isim.profiler.recorders.torch_recorder import TorchRecorder


def open_bench(spec: str) -> Bench:
    """Open a GPU and everything that this host lets us record on it; the caller closes the device.

    Parameters
    ----------
    spec
        `cuda` or `cuda:1`.

    Raises
    ------
    NoDeviceError
        This machine has no such GPU.
    ProfileError
        The text names no GPU, or it does not work.
    """
    return cuda_bench(CudaDevice(gpu_index(spec)))


def cuda_bench(device: CudaDevice) -> Bench:
    """Return the device with the best recorder, counters and telemetry of this host; what they hold ends with it."""
    notes: list[str] = []
    try:
        recorder, counters = _recorder(device, notes), _counters(device, notes)
        telemetry = _telemetry(device, notes)
        return Bench(device, recorder, counters, telemetry, tuple(notes))
    except BaseException:
        device.close()
        raise


def gpu_index(spec: str) -> int:
    """Return the number of the GPU that `cuda` or `cuda:1` names.

    Raises
    ------
    ProfileError
        The text names none.

    Examples
    --------
    >>> gpu_index("cuda"), gpu_index("cuda:1")
    (0, 1)
    """
    number = spec.partition(":")[2]
    if number and not number.isdecimal():
        raise ProfileError(f"--device {spec}: not the number of a GPU (found {number!r}); write cuda:0")
    return int(number or 0)


def _telemetry(device: CudaDevice, notes: list[str]) -> TelemetrySource | None:
    try:
        handle = device.closing.enter_context(nvml_device(device.pci_bus_id))
    except ProfileError as error:
        notes.append(f"clocks and throttling are not recorded: {error}")
        return None
    with locked_clocks(handle) as refused:  # only to say so before anything is measured
        if refused:
            notes.append(refused)
    return NvmlTelemetry(handle)


def recorder_name() -> str | None:
    """Return what records kernels one by one on this host: `cupti`, `torch`, `nsys`, or None.

    Examples
    --------
    >>> recorder_name() in ("cupti", "torch", "nsys", None)
    True
    """
    if importlib.util.find_spec("cupti") is not None:
        return "cupti"
    if importlib.util.find_spec("torch") is not None:
        import torch

        if torch.cuda.is_available():
            return "torch"
    return "nsys" if shutil.which("nsys") else None


def _recorder(device: CudaDevice, notes: list[str]) -> KernelRecorder | None:
    name = recorder_name()
    if name is None:
        notes.append("kernels are not recorded one by one: install cupti-python, or put nsys on PATH")
        return None
    made: dict[str, Callable[[CudaDevice], KernelRecorder]]
    made = {"cupti": CuptiRecorder, "torch": TorchRecorder, "nsys": NsysRecorder}
    return made[name](device)


def _counters(device: CudaDevice, notes: list[str]) -> Counters | None:
    if not shutil.which("ncu"):
        notes.append("hardware counters are not recorded: put Nsight Compute's ncu on PATH")
        return None
    forbidden = counters_forbidden()
    if forbidden:
        notes.append(f"hardware counters are not recorded: {forbidden}")
        return None
    return NcuCounters(device.spec)
