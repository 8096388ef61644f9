"""Any CSV file with a header: the caller says which column is what."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isim.errors import TraceError
from isim.traces.delimited import DIGITS, read_delimited, time_ns
from isim.traces.trace import Trace

_ORIGINS = ("first", "zero")


def read_columns(
    path: str | Path,
    *,
    arrival_column: str,
    arrival_unit: str,
    model_column: str | None = None,
    model: str | None = None,
    slo_column: str | None = None,
    slo_unit: str = "ms",
    columns: Mapping[str, str] | None = None,
    origin: str = "first",
    sort: bool = False,
) -> Trace:
    """Return a CSV file, plain or gzipped, as a trace; nothing is dropped.

    Parameters
    ----------
    arrival_column
        The column of arrival times.
    arrival_unit
        Its unit: s, ms, us or ns.
    model_column, model
        The column of model names, or the one model of all requests.
    slo_column, slo_unit
        The column of objectives relative to arrival, and its unit.
    columns
        Further columns: name in the trace (such as `batch`, `priority`, `input_tokens`) -> name in the file.
    origin
        Time 0 of the trace: `first` arrival, or `zero` of the file's own clock.
    sort
        Sort by arrival instead of refusing an unsorted file; simultaneous requests keep their order.

    Raises
    ------
    TraceError
        The file is missing or not a CSV table, lacks a column, or its content is wrong.
    """
    path = Path(path)
    if (model_column is None) == (model is None):
        raise TraceError(f"{path}: the model must come from a column or be one for all; give exactly one of the two")
    for unit in (arrival_unit, slo_unit):
        if unit not in DIGITS:
            raise TraceError(f"{path}: no unit of time {unit!r}; choose one of {', '.join(DIGITS)}")
    if origin not in _ORIGINS:
        raise TraceError(f"{path}: no origin {origin!r}; choose one of {', '.join(_ORIGINS)}")
    file = read_delimited(path)
    wanted = {"arrival_ns": arrival_column, "model": model_column, "slo_ns": slo_column, **(columns or {})}
    picked = {name: column for name, column in wanted.items() if column is not None}
    missing = [column for column in dict.fromkeys(picked.values()) if file.column_names.count(column) != 1]
    if missing:
        has = ", ".join(file.column_names)
        raise TraceError(*(f"{path}: no single column {column!r} (has: {has}); correct the name" for column in missing))
    table: dict[str, Any] = {name: file[column] for name, column in picked.items()}
    for name, unit in (("arrival_ns", arrival_unit), ("slo_ns", slo_unit)):
        if name in table:
            table[name] = time_ns(path, file, picked[name], unit)
    if model is not None:
        table["model"] = pa.DictionaryArray.from_arrays(np.zeros(len(file), dtype=np.int32), pa.array([model]))
    lines = np.arange(len(file)) + 2
    if sort:
        order = pc.sort_indices(table["arrival_ns"])  # stable
        table, lines = {name: column.take(order) for name, column in table.items()}, lines[order]
    if origin == "first":
        table["arrival_ns"] = pc.subtract(table["arrival_ns"], pc.min(table["arrival_ns"]))
    with path.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    source = {
        "file": path.name,
        "sha256": sha256,
        "rows_in": len(file),
        "rows_dropped": {},
        "columns": picked,
        "arrival_unit": arrival_unit,
        "origin": origin,
    }
    return Trace.from_table(pa.table(table), {"source": source}, str(path), lambda row: f"line {lines[row]}")
