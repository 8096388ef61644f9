"""Sample an NVIDIA GPU through NVML, and hold its clocks: every decision about the samples is made elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from isim.errors import NoDeviceError, ProfileError
from isim.profiler.telemetry import Sample, Telemetry

_INTERVAL_S = 0.02  # 50 Hz: twice what the measurements ask for, at about 1 % of one core


@contextmanager
def nvml_device(gpu: int | str) -> Iterator[Any]:
    """Yield NVML's handle of a GPU, its PCI bus id or its number as nvidia-smi counts; shuts NVML down after.

    Raises
    ------
    NoDeviceError
        There is no NVIDIA driver, or it knows no such GPU.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise NoDeviceError(f"NVML: no NVIDIA driver ({error}); install one and look at 'nvidia-smi'") from None
    try:
        by_index = isinstance(gpu, int)
        handle = (pynvml.nvmlDeviceGetHandleByIndex if by_index else pynvml.nvmlDeviceGetHandleByPciBusId)(gpu)
        yield handle
    except pynvml.NVMLError as error:
        raise NoDeviceError(f"NVML: GPU {gpu} does not answer ({error}); look at 'nvidia-smi'") from None
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


@contextmanager
def locked_clocks(handle: Any) -> Iterator[str | None]:
    """Hold the SM clock at its rated value and give it back whatever happens; yield why it could not be, else None.

    Only the administrator may lock clocks. Without a lock, throttled repetitions are found in the telemetry.
    """
    import pynvml

    try:
        try:
            clock_mhz = pynvml.nvmlDeviceGetDefaultApplicationsClock(handle, pynvml.NVML_CLOCK_SM)
        except pynvml.NVMLError:  # not of every GPU and driver
            clock_mhz = pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM)
        pynvml.nvmlDeviceSetGpuLockedClocks(handle, clock_mhz, clock_mhz)
    except pynvml.NVMLError as error:
        yield f"clocks are not locked ({error}); run as root, or lock them with 'nvidia-smi --lock-gpu-clocks'"
        return
    try:
        yield None
    finally:
        with suppress(pynvml.NVMLError):  # of a GPU that was lost nothing can be restored
            pynvml.nvmlDeviceResetGpuLockedClocks(handle)


def sample(handle: Any, time_ns: int) -> Sample:
    """Return the state of a GPU now; what it does not report is None.

    Raises
    ------
    ProfileError
        It does not answer any more.
    """
    import pynvml

    def read(function: Callable[..., int], *arguments: int) -> int | None:
        try:
            return function(handle, *arguments)
        except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound, pynvml.NVMLError_NoPermission):
            return None
        except pynvml.NVMLError as error:
            raise ProfileError(f"NVML: the GPU stopped answering ({error}); look at 'dmesg' for Xid errors") from None

    sm_clock_mhz = read(pynvml.nvmlDeviceGetClockInfo, pynvml.NVML_CLOCK_SM)
    power_mw = read(pynvml.nvmlDeviceGetPowerUsage)
    return Sample(
        time_ns,
        sm_clock_mhz,
        read(pynvml.nvmlDeviceGetClockInfo, pynvml.NVML_CLOCK_MEM),
        None if power_mw is None else power_mw / 1e3,
        read(pynvml.nvmlDeviceGetTemperature, pynvml.NVML_TEMPERATURE_GPU),
        read(pynvml.nvmlDeviceGetCurrentClocksEventReasons),
    )


class NvmlTelemetry:
    """Sample a GPU in a thread and whenever asked, with its clocks locked meanwhile: a `TelemetrySource`.

    Parameters
    ----------
    handle
        Of `nvml_device`, which must stay open.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._samples: list[Sample] = []
        self._stopping = threading.Event()
        self._running = ExitStack()

    def start(self) -> None:
        """Lock the clocks if that is permitted, and begin sampling at 50 Hz in a thread."""
        self._samples = []
        self._stopping.clear()
        self._running.enter_context(locked_clocks(self._handle))
        thread = threading.Thread(target=self._run, name="nvml", daemon=True)
        self._running.callback(thread.join)
        thread.start()

    def mark(self) -> Sample:
        """Take one sample now and return it.

        Raises
        ------
        ProfileError
            The GPU does not answer any more.
        """
        taken = sample(self._handle, time.monotonic_ns())
        self._samples.append(taken)
        return taken

    def stop(self) -> Telemetry:
        """End sampling, unlock the clocks and return everything since `start`, on the host's monotonic clock."""
        self._stopping.set()
        self._running.close()
        return Telemetry.from_samples(self._samples)

    def _run(self) -> None:
        # A GPU that stops answering is reported by the next `mark`, in the thread that can tell the user.
        with suppress(ProfileError):
            while not self._stopping.wait(_INTERVAL_S):
                self.mark()
