"""Read a binary report of Nsight Compute (.ncu-rep), with NVIDIA's reader where it is installed."""

from importlib import import_module
from pathlib import Path
from typing import Any

from isim.errors import ProfileError
from isim.profiler.importers.ncu_metrics import WANTED, Counted
from isim.profiler.importers.source import read_bytes

REPORT_MAGIC = b"NVR\0"


def read_ncu_report(path: str | Path) -> tuple[Counted, ...]:
    """Return the kernels in launch order.

    Raises
    ------
    ProfileError
        The reader is not installed, or the file is no report, is damaged, or holds no kernel.
    """
    if not read_bytes(path).startswith(REPORT_MAGIC):
        raise ProfileError(f"{path}: not a report of ncu; name a .ncu-rep file, or import CSV with 'ncu'")
    try:
        ncu_report: Any = import_module("ncu_report")
    except ImportError:
        raise ProfileError(
            f"{path}: reading a .ncu-rep needs NVIDIA's reader; install isim-serving[ncu], or export it with "
            f"'ncu --import {Path(path).name} --csv --page raw --print-units base' and import that CSV"
        ) from None
    try:
        report = ncu_report.load_report(str(path))
        ranges = [report.range_by_idx(index) for index in range(report.num_ranges())]
        actions = [one.action_by_idx(index) for one in ranges for index in range(one.num_actions())]
        kernels = tuple(Counted(action.name(), _metrics(action)) for action in actions if _is_kernel(action))
    except Exception as error:  # the reader is foreign code over a foreign file
        raise ProfileError(f"{path}: cannot be read ({type(error).__name__}: {error}); copy it again") from None
    if not kernels:
        raise ProfileError(f"{path}: no kernel; profile kernels (not ranges) of a run that uses the GPU")
    return kernels


def _is_kernel(action: Any) -> bool:
    return bool(action.workload_type() == action.WorkloadType_KERNEL)


def _metrics(action: Any) -> dict[str, tuple[Any, str]]:
    found = {}
    for name in WANTED:
        metric = action.metric_by_name(name)
        if metric is not None:
            found[name] = metric.value(), metric.unit()
    return found
