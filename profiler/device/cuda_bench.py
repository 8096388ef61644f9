"""Find out what can be recorded on a GPU of this host, open it, and note what cannot."""

import importlib.util
import shutil

from isim.errors import ProfileError
from isim.profiler.device.contract import Bench, Counters, KernelRecorder, TelemetrySource
from isim.profiler.device.cuda import CudaDevice
from isim.profiler.permission import counters_forbidden


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


def _telemetry(device: CudaDevice, notes: list[str]) -> TelemetrySource | None:
    from isim.profiler.nvml import NvmlTelemetry, locked_clocks, nvml_device

    try:
        handle = device.closing.enter_context(nvml_device(device.pci_bus_id))
    except ProfileError as error:
        notes.append(f"clocks and throttling are not recorded: {error}")
        return None
    with locked_clocks(handle) as refused:  # only to say so before anything is measured
        if refused:
            notes.append(refused)
    return NvmlTelemetry(handle)


def _recorder(device: CudaDevice, notes: list[str]) -> KernelRecorder | None:
    if importlib.util.find_spec("cupti") is not None:
        from isim.profiler.device.cupti_recorder import CuptiRecorder

        return CuptiRecorder(device)
    if importlib.util.find_spec("torch") is not None:
        from isim.profiler.device.torch_recorder import TorchRecorder

        return TorchRecorder(device)
    if shutil.which("nsys"):
        from isim.profiler.device.nsys_recorder import NsysRecorder

        return NsysRecorder(device.spec)
    notes.append("kernels are not recorded one by one: install cupti-python, or put nsys on PATH")
    return None


def _counters(device: CudaDevice, notes: list[str]) -> Counters | None:
    if not shutil.which("ncu"):
        notes.append("hardware counters are not recorded: put Nsight Compute's ncu on PATH")
        return None
    forbidden = counters_forbidden()
    if forbidden:
        notes.append(f"hardware counters are not recorded: {forbidden}")
        return None
    from isim.profiler.ncu import NcuCounters

    return NcuCounters(device.spec)
