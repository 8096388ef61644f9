"""An NVIDIA GPU as a `Device`: pycuda on the GPU's primary context, which PyTorch and ONNX Runtime use too."""

import ctypes
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isim.errors import NoDeviceError
from isim.profiler.device.contract import Event, Stream, Workload
from isim.profiler.device.cuda_clock import CudaClock, CudaEvent
from isim.profiler.device.cuda_driver import cuda_driver, explained

# Wherever its daemon is found, every process becomes a client of MPS; where it is not, processes take turns.
_NO_DAEMON = "/nonexistent"


@dataclass(frozen=True, slots=True)
class CudaStream:
    """A stream of a GPU; `handle` is pycuda's."""

    index: int
    handle: Any


class CudaDevice:
    """Hold a GPU's primary context on this thread from `__init__` to `close`, and queue work on its streams.

    Parameters
    ----------
    index
        Number of the GPU among those that CUDA_VISIBLE_DEVICES shows.

    Raises
    ------
    NoDeviceError
        pycuda, the driver or this GPU is missing.
    ProfileError
        The GPU does not work.
    """

    def __init__(self, index: int = 0) -> None:
        self._cuda = cuda = cuda_driver()
        self._index = index
        self.closing = ExitStack()
        """What ends with the device, such as a connection to NVML."""
        self._context: Any = None
        self._streams: dict[int, CudaStream] = {}
        if index >= cuda.Device.count():
            raise NoDeviceError(
                f"--device {self.spec}: no such GPU (found {cuda.Device.count()}); 'nvidia-smi' lists them"
            )
        try:
            with explained(cuda, self.spec):
                self._gpu = cuda.Device(index)
                # Never a context of its own: what PyTorch allocates belongs to the primary one.
                self._context = self._gpu.retain_primary_context()
                self._context.push()
            self._clock: CudaClock | None = CudaClock(cuda)
        except BaseException:
            self.close()
            raise

    @property
    def spec(self) -> str:
        """`cuda:0`."""
        return f"cuda:{self._index}"

    @property
    def pci_bus_id(self) -> str:
        """What NVML knows the GPU by; its numbers need not be those of CUDA."""
        return str(self._gpu.pci_bus_id())

    @property
    def sharings(self) -> tuple[str, ...]:
        """Streams and processes, and MPS where its daemon runs."""
        return ("streams", "processes", *(("mps",) if mps_runs() else ()))

    def facts(self) -> Mapping[str, Any]:
        """Return the GPU's name, SMs, clocks, caches, memory and versions."""
        import pycuda

        attribute, get = self._cuda.device_attribute, self._gpu.get_attribute
        major, minor = self._gpu.compute_capability()
        version = self._cuda.get_driver_version()
        memory_clock_hz = get(attribute.MEMORY_CLOCK_RATE) * 1e3
        return {
            "name": self._gpu.name(),
            "compute_capability": f"{major}.{minor}",
            "sms": get(attribute.MULTIPROCESSOR_COUNT),
            "sm_clock_mhz": get(attribute.CLOCK_RATE) / 1e3,
            "memory_clock_mhz": memory_clock_hz / 1e6,
            "l2_bytes": get(attribute.L2_CACHE_SIZE),
            "dram_bytes": self._gpu.total_memory(),
            # Two transfers a clock, as of every GPU memory since GDDR3.
            "dram_bytes_per_s": 2 * memory_clock_hz * get(attribute.GLOBAL_MEMORY_BUS_WIDTH) / 8,
            "driver_cuda": f"{version // 1000}.{version % 1000 // 10}",
            "pycuda": pycuda.VERSION_TEXT,
        }

    def environment(self, sharing: str, sm_share: float) -> Mapping[str, str]:
        """Return what a client of MPS needs to hold a share of the SMs, and what keeps others from becoming clients."""
        if sharing == "mps":
            return {"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": f"{100 * sm_share:g}"}
        return {"CUDA_MPS_PIPE_DIRECTORY": _NO_DAEMON}

    def load(self, model: str, batch_size: int) -> Workload:
        """Load a stressor, an ONNX file or what a function of a module makes; raises ProfileError where that fails."""
        from isim.profiler.device.cuda_models import load_cuda_model

        with explained(self._cuda, f"{model} at batch size {batch_size}"):
            return load_cuda_model(model, batch_size, self._index)

    def stream(self, index: int) -> CudaStream:
        """Return the stream of this number, made when first asked for."""
        if index not in self._streams:
            with explained(self._cuda, self.spec):
                self._streams[index] = CudaStream(index, self._cuda.Stream())
        return self._streams[index]

    def launch(self, workload: Workload, stream: Stream) -> None:
        """Queue one batch; raises ProfileError where it or an earlier one failed."""
        where = f"{workload.model} at batch size {workload.batch_size}"
        with explained(self._cuda, where):
            workload.run(self.stream(stream.index).handle)

    def record(self, stream: Stream) -> CudaEvent:
        """Queue a mark behind what the stream holds."""
        assert self._clock is not None, "the device is closed"
        return self._clock.record(self.stream(stream.index).handle)

    def wait_any(self, events: Sequence[Event]) -> None:
        """Return when at least one of the events is done; raises ProfileError where the work failed."""
        while not any(event.done() for event in events):
            self.sleep(0)  # lets the sampling of telemetry have the interpreter

    def synchronise(self) -> None:
        """Return when all streams are empty; then both clocks are compared anew."""
        assert self._clock is not None, "the device is closed"
        with explained(self._cuda, self.spec):
            self._context.synchronize()
        self._clock.anchor()

    def now_ns(self) -> int:
        """Return the host's monotonic clock."""
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def close(self) -> None:
        """Give streams and context back; may be called twice."""
        context, self._context = self._context, None
        self._streams.clear()
        self._clock = None
        try:
            self.closing.close()
        finally:
            if context is not None:
                with suppress(self._cuda.Error):  # a broken context can only be left
                    context.pop()
                    context.detach()
                    # pycuda pushes a primary context in order to release it, and leaves it there.
                    ctypes.CDLL("libcuda.so.1").cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))


def mps_runs() -> bool:
    """Return whether the control daemon of MPS runs where this process would look for it."""
    return (Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")) / "control").exists()
