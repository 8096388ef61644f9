"""Read the NVTX ranges that Nsight Systems projected onto the GPU: its report `nvtx_gpu_proj_trace` as Parquet."""

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isim.errors import ProfileError
from isim.profiler.device.contract import Kernel
from isim.profiler.importers.source import sha256_of
from isim.profiler.importers.timeline import Launched, Range, Timeline, in_launch_order

_COLUMNS = ("Name", "Projected Start", "Projected Duration", "Orig Start", "Orig Duration", "PID", "TID")
_TREE = ("NumGPUOps", "NumChild", "RangeId", "ParentId")
_ADVICE = "name the report nvtx_gpu_proj_trace"


def read_nsys_projection(path: str | Path) -> Timeline:
    """Return the timeline of a report: its innermost ranges are the operations, one or a few kernels each.

    Raises
    ------
    ProfileError
        The file is no such report, is damaged, or holds no operation.
    """
    sha256 = sha256_of(path)
    try:
        table = pq.read_table(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ProfileError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}); {_ADVICE}") from None
    missing = [name for name in (*_COLUMNS, *_TREE) if name not in table.column_names]
    if missing:
        has = ", ".join(table.column_names)[:200]
        raise ProfileError(f"{path}: no timeline (no column {', '.join(missing)}; has: {has}); {_ADVICE}")
    rows = table.select([*_COLUMNS, *_TREE]).to_pylist()
    named = [row for row in rows if row["Name"] is not None and row["Orig Start"] is not None]
    try:
        innermost = [row for row in named if not row["NumChild"]]
        operations = [_operation(row, number) for number, row in enumerate(innermost)]
        ranges = [_range(row) for row in named if row["NumChild"]]
        lost = _lost(rows, named)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProfileError(f"{path}: a number is missing or is none ({error}); export it again") from None
    if not operations:
        raise ProfileError(f"{path}: no range on the GPU; annotate the program and record it again")
    notes = []
    if lost:
        notes.append(f"{path}: {lost} operations of the GPU lie in no innermost range and are not in the timeline")
    facts = {
        "format": "nsys",
        "file": Path(path).name,
        "sha256": sha256,
        "operations": "innermost NVTX ranges, projected onto the GPU",
    }
    return Timeline(str(path), in_launch_order(operations), tuple(ranges), {}, facts, tuple(notes))


def _operation(row: dict[str, Any], number: int) -> Launched:
    start_ns, duration_ns = int(row["Projected Start"]), int(row["Projected Duration"])
    if start_ns < 0 or duration_ns < 0:
        raise ValueError(f"range {row['Name']!r} starts at {start_ns} ns and lasts {duration_ns} ns")
    kernel = Kernel(row["Name"], start_ns, start_ns + duration_ns)
    launched_ns = int(row["Orig Start"])
    return Launched(kernel, process=row["PID"], launched_ns=launched_ns, thread=(row["PID"], row["TID"]))


def _range(row: dict[str, Any]) -> Range:
    start_ns = int(row["Orig Start"])
    return Range(row["Name"], start_ns, start_ns + math.ceil(row["Orig Duration"]), (row["PID"], row["TID"]))


def _lost(rows: list[dict[str, Any]], named: list[dict[str, Any]]) -> int:
    """Return how many operations a range holds beside those of the ranges in it, and how many no range holds."""
    in_children: dict[Any, int] = {}
    for row in named:
        in_children[row["ParentId"]] = in_children.get(row["ParentId"], 0) + row["NumGPUOps"]
    own = sum(row["NumGPUOps"] - in_children.get(row["RangeId"], 0) for row in named if row["NumChild"])
    return int(own + sum(row["NumGPUOps"] for row in rows if row["Name"] is None))
