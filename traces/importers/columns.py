"""Any CSV file with a header, or JSON lines: the caller says which column or field is what."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isim.errors import TraceError
from isim.traces.delimited import DIGITS, read_delimited, time_ns
from isim.traces.importers.json_lines import read_json_lines
from isim.traces.importers.recorded import source_of
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
    json_lines: bool = False,
) -> Trace:
    """Return a file, plain or gzipped, as a trace: CSV with a header, or JSON lines.

    Of CSV nothing is dropped; of JSON lines, lines that hold no object are, and counted.

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
    json_lines
        The file holds JSON lines; its fields are the columns.

    Raises
    ------
    TraceError
        The file is missing or of another format, lacks a column, or its content is wrong.

    Examples
    --------
    >>> _ = Path("log.csv").write_text("when,what,samples\\n12.5,bert,4\\n13,resnet50,1\\n")
    >>> columns = {"model_column": "what", "columns": {"batch": "samples"}}
    >>> trace = read_columns("log.csv", arrival_column="when", arrival_unit="s", **columns)
    >>> trace.arrival_ns / 1e9, trace.models, trace.table["batch"].to_pylist()
    (array([0. , 0.5]), ('bert', 'resnet50'), [4, 1])
    """
    path = Path(path)
    problems = []
    if (model_column is None) == (model is None):
        problems.append("the model must come from a column or be one for all; give exactly one of the two")
    problems += [
        f"no unit of time {unit!r}; choose one of {', '.join(DIGITS)}"
        for unit in (arrival_unit, slo_unit)
        if unit not in DIGITS
    ]
    if origin not in _ORIGINS:
        problems.append(f"no origin {origin!r}; choose one of {', '.join(_ORIGINS)}")
    if problems:
        raise TraceError(*(f"{path}: {problem}" for problem in problems))
    dropped: Counter[str] = Counter()
    file, lines = _read(path, json_lines, dropped)
    wanted = {"arrival_ns": arrival_column, "model": model_column, "slo_ns": slo_column, **(columns or {})}
    picked = {name: column for name, column in wanted.items() if column is not None}
    table = _picked(path, file, lines, picked, {"arrival_ns": arrival_unit, "slo_ns": slo_unit})
    if model is not None:
        table["model"] = pa.DictionaryArray.from_arrays(np.zeros(len(file), dtype=np.int32), pa.array([model]))
    if sort:
        order = pc.sort_indices(table["arrival_ns"])  # stable
        table, lines = {name: column.take(order) for name, column in table.items()}, lines[order]
    if origin == "first":
        table["arrival_ns"] = pc.subtract(table["arrival_ns"], pc.min(table["arrival_ns"]))
    facts = {"columns": picked, "arrival_unit": arrival_unit, "origin": origin}
    source = source_of(path, facts, len(file) + dropped.total(), dropped)
    return Trace.from_table(pa.table(table), {"source": source}, str(path), lambda row: f"line {lines[row]}")


def _picked(
    path: Path, file: pa.Table, lines: npt.NDArray[np.int64], picked: Mapping[str, str], units: Mapping[str, str]
) -> dict[str, Any]:
    """Return the columns by their names in the trace, times in ns."""
    if missing := [column for column in dict.fromkeys(picked.values()) if file.column_names.count(column) != 1]:
        has = ", ".join(file.column_names)
        raise TraceError(*(f"{path}: no single column {column!r} (has: {has}); correct the name" for column in missing))
    return {
        name: time_ns(path, file, column, units[name], lines) if name in units else file[column]
        for name, column in picked.items()
    }


def _read(path: Path, json_lines: bool, dropped: "Counter[str]") -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Return the table and the line of each row; numbers of JSON as the text that they were."""
    if not json_lines:
        table = read_delimited(path)
        return table, np.arange(len(table)) + 2
    table, lines = read_json_lines(path, dropped)
    for index, field in enumerate(table.schema):
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            text: Any = table.column(index).cast(pa.string())
            table = table.set_column(index, field.name, pc.fill_null(text, ""))
    return table, lines
