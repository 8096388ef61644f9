"""Record kernels with torch.profiler, which sees everything that this process runs on the GPU."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from isim.profiler.device.contract import Device, Repetition, Workload
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.executions import executions
from isim.profiler.importers.kineto import read_kineto

_WARM_UP_BATCHES = 3
_RANGE = "isim batch"


class TorchRecorder:
    """Run a workload under torch.profiler: a `KernelRecorder`.

    Parameters
    ----------
    device
        On whose stream 0 it runs.
    """

    name = "torch.profiler"

    def __init__(self, device: Device) -> None:
        self._device = device

    def record(self, workload: Workload, repetitions: int) -> Sequence[Repetition]:
        """Run the workload alone so many times, after a warm-up, and return every repetition.

        Raises
        ------
        ProfileError
            The workload fails, or the trace does not hold these repetitions.
        """
        from torch.profiler import ProfilerActivity, profile, record_function

        stream = self._device.stream(0)
        # One session for all: a second one loses the first kernels it sees.
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as session:
            for _ in range(_WARM_UP_BATCHES):
                self._device.launch(workload, stream)
            self._device.synchronise()
            started_ns = time.monotonic_ns()
            for _ in range(repetitions):
                with record_function(_RANGE):
                    self._device.launch(workload, stream)
                    self._device.record(stream).time_ns()
        with tempfile.TemporaryDirectory(prefix="isim-torch-") as folder:
            trace = Path(folder) / "trace.json"
            session.export_chrome_trace(str(trace))
            found = executions(read_kineto(trace), Cut("range", _RANGE), launched_by="any-thread").repetitions
        first_ns = min(repetition.start_ns for repetition in found)
        return [repetition.later(started_ns - first_ns) for repetition in found]
