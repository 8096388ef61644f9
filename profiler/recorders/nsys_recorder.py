"""Record kernels with Nsight Systems, which watches a process of its own: works for everything that CUDA runs."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from isim.profiler.device.contract import Device, Repetition, Workload
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.executions import executions
from isim.profiler.importers.nsys import read_nsys
from isim.profiler.recorders.child import run_child
from isim.profiler.recorders.run_batches import command

_TIMEOUT_S = 900.0


class NsysRecorder:
    """Run a workload under `nsys` and read what it recorded: a `KernelRecorder`.

    Parameters
    ----------
    device
        Opened again by the process that is watched.
    """

    name = "nsys"

    def __init__(self, device: Device) -> None:
        self._spec = device.spec

    def record(self, workload: Workload, repetitions: int) -> Sequence[Repetition]:
        """Load the workload again in another process and return its repetitions.

        Raises
        ------
        ProfileError
            nsys or the process fails, or the repetitions cannot be told apart.
        """
        with tempfile.TemporaryDirectory(prefix="isim-nsys-") as folder:
            report, export = Path(folder) / "report.nsys-rep", Path(folder) / "report.sqlite"
            # Only kernels and the calls that launch them; the range is what run_batches puts between start and stop.
            options = ["--trace=cuda", "--sample=none", "--cpuctxsw=none", "--cuda-graph-trace=node"]
            options += ["--capture-range=cudaProfilerApi", "--capture-range-end=stop", f"--output={report}"]
            batches = command(self._spec, workload, repetitions)
            started_ns = time.monotonic_ns()
            run_child(["nsys", "profile", *options, *batches], _TIMEOUT_S)
            run_child(["nsys", "export", "--type=sqlite", f"--output={export}", str(report)], _TIMEOUT_S)
            timeline = read_nsys(export)
        found = executions(timeline, Cut("repeats", repeats=repetitions)).repetitions
        # A repetition is launched on an idle GPU: the time from the call to the first kernel is its gap.
        calls = [one.launched_ns for one in timeline.operations[:: len(timeline.operations) // repetitions]]
        found = tuple(
            one if call_ns is None else one._replace(start_ns=min(one.start_ns, call_ns))
            for one, call_ns in zip(found, calls, strict=True)
        )
        # Times of the report count from the start of its session; telemetry needs no more than to be beside it.
        return [repetition.later(started_ns) for repetition in found]
