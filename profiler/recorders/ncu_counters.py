"""Read hardware counters with Nsight Compute, which runs a process of its own kernel by kernel: `Counters`."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from isim.errors import ProfileError
from isim.profiler.device.contract import KernelCounters, Workload
from isim.profiler.importers.ncu import read_ncu_csv
from isim.profiler.importers.ncu_metrics import to_columns
from isim.profiler.permission import REMEDY
from isim.profiler.recorders.child import run_child
from isim.profiler.recorders.run_batches import command

# One pass over each kernel on every GPU since Ampere, so that nothing is replayed; the usual "speed of light" set takes
# seven to seventeen.
METRICS = (
    "gpu__time_duration.sum",
    "sm__inst_issued.avg.pct_of_peak_sustained_active",
    "sm__cycles_active.avg.pct_of_peak_sustained_elapsed",
    "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active",
    "sm__warps_active.avg.pct_of_peak_sustained_active",
    "lts__t_sectors.avg.pct_of_peak_sustained_elapsed",
    "dram__bytes.sum.pct_of_peak_sustained_elapsed",
    "gpc__cycles_elapsed.avg.per_second",
    "launch__grid_size",
    "launch__block_size",
    "launch__registers_per_thread",
    "launch__waves_per_multiprocessor",
)
_TIMEOUT_S = 900.0


class NcuCounters:
    """Count one batch under `ncu`, as it runs in serving: caches warm, clocks free.

    Parameters
    ----------
    spec
        The device, as the user named it.
    timeout_s
        After this ncu is killed.
    """

    name = "ncu"

    def __init__(self, spec: str, timeout_s: float = _TIMEOUT_S) -> None:
        self._spec = spec
        self._timeout_s = timeout_s

    @property
    def settings(self) -> Mapping[str, str]:
        """How it counts; stored in the footer."""
        return {"cache_control": "none", "clock_control": "none", "replay_mode": "kernel", "metrics": "one pass"}

    def measure(self, workload: Workload) -> Sequence[KernelCounters]:
        """Load the workload again in another process, count one batch and return its kernels in launch order.

        Raises
        ------
        ProfileError
            ncu or the process fails or hangs, counting is forbidden, or what ncu wrote cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="isim-ncu-") as folder:
            log = Path(folder) / "ncu.csv"
            # Base units always: else the same metric comes in ns or in us, as its size suggests.
            options = ["--csv", "--page=raw", "--print-units=base", f"--log-file={log}"]
            options += [f"--metrics={','.join(METRICS)}", "--target-processes=all", "--profile-from-start=off"]
            options += ["--cache-control=none", "--clock-control=none", "--replay-mode=kernel"]
            batch = command(self._spec, workload, repetitions=1)
            try:
                run_child(["ncu", *options, *batch], self._timeout_s)
            except ProfileError:
                _check_permission(log)
                raise
            _check_permission(log)  # ncu may end well without having counted anything
            return to_columns(read_ncu_csv(log), "ncu", above_peak="clip").counters()


def _check_permission(log: Path) -> None:
    if log.exists() and "ERR_NVGPUCTRPERM" in log.read_text(errors="replace"):
        raise ProfileError(f"ncu: counters are reserved for the administrator; {REMEDY}")
