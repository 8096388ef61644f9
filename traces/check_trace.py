"""Find everything that is wrong with a trace's table and footer, all at once."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.traces.schema import REQUIRED, SCHEMA_VERSION, Row

_AT_LEAST: Mapping[str, int] = {
    "arrival_ns": 0,
    "slo_ns": 1,
    "ttft_slo_ns": 1,
    "tpot_slo_ns": 1,
    "batch": 1,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_bytes": 0,
    "output_bytes": 0,
    "think_ns": 0,
    "rec_latency_ns": 0,
}
_Mask = npt.NDArray[np.bool_]
_OTHERWISE: Mapping[str, str] = {
    "requests": "a run needs the arrival of each request; expand rates with 'isim trace expand'",
    "rates": "the arrival of each request is known already; 'isim trace fit' makes rates of a trace",
}


def footer_problems(footer: Mapping[str, Any], kind: str = "requests") -> Iterator[str]:
    """Yield what is wrong with the footer of a file of `kind`: schema version, kind or observation window.

    Examples
    --------
    >>> list(footer_problems({"schema": "1", "kind": "rates", "duration_ns": 5}, "rates"))
    []
    >>> list(footer_problems({"schema": "1", "kind": "requests", "duration_ns": -5}))
    ['duration_ns of the footer is not a whole number >= 0 (found -5); give the observed time in ns']
    """
    version = footer.get("schema")
    if not isinstance(version, str) or version.partition(".")[0] != SCHEMA_VERSION:
        yield (
            f"schema version {version!r} is unknown (this isim reads {SCHEMA_VERSION!r}); "
            "write the trace again with this version"
        )
    if footer.get("kind") != kind:
        yield f"kind is {footer.get('kind')!r}, not {kind!r}; {_OTHERWISE[kind]}"
    window = footer.get("duration_ns")
    if not isinstance(window, int) or isinstance(window, bool) or window < 0:
        yield f"duration_ns of the footer is not a whole number >= 0 (found {window!r}); give the observed time in ns"


def table_problems(table: pa.Table, duration_ns: Any, row: Row, before: tuple[int, int] | None = None) -> Iterator[str]:
    """Yield what is wrong with the values and the order of requests that conform to the schema.

    Parameters
    ----------
    duration_ns
        How long arrivals were observed; what is no whole number is not compared with.
    before
        Arrival and id of the request before the first, of a part of a trace.
    """
    if len(table) == 0:
        yield "no requests; a trace needs at least one"
        return
    yield from value_problems(table, row)
    yield from _order_problems(table, duration_ns, row, before)


def value_problems(table: pa.Table, row: Row) -> Iterator[str]:
    """Yield what is wrong with single values."""
    for name in REQUIRED:
        if name in table.column_names and table[name].null_count:
            bad = table[name].is_null().to_numpy()
            yield f"column {name!r} is empty in {rows_named(bad, row)}; fill it in"
    for name, least in _AT_LEAST.items():
        if name in table.column_names:
            numbers = _numbers(table, name, least)
            if (bad := numbers < least).any():
                yield f"{name} must be >= {least} (found {numbers[bad][0]} in {rows_named(bad, row)}); correct it"
    if "work" in table.column_names:
        numbers = _numbers(table, "work", 1)
        if (bad := ~((numbers > 0) & np.isfinite(numbers))).any():
            yield f"work must be > 0 and finite (found {numbers[bad][0]:g} in {rows_named(bad, row)}); correct it"
    if "model" in table.column_names:
        models: Any = table["model"].chunk(0)
        if "" in (names := models.dictionary.to_pylist()):
            bad = models.indices.fill_null(-1).to_numpy() == names.index("")
            yield f"the model has no name (found '' in {rows_named(bad, row)}); name it"


def _order_problems(table: pa.Table, duration_ns: Any, row: Row, before: tuple[int, int] | None) -> Iterator[str]:
    if not {"arrival_ns", "request_id"} <= set(table.column_names):
        return
    if table["arrival_ns"].null_count or table["request_id"].null_count:
        return
    arrivals, ids = (table[name].to_numpy() for name in ("arrival_ns", "request_id"))
    if before is not None:
        arrivals, ids = np.insert(arrivals, 0, before[0]), np.insert(ids, 0, before[1])
        rows, row = row, lambda number: rows(number - 1)
    earlier = arrivals[1:] < arrivals[:-1]
    if earlier.any():
        at = int(earlier.argmax()) + 1
        yield (
            f"not sorted by arrival: {row(at)} is the first that arrives before the one above it "
            f"(found {arrivals[at]} after {arrivals[at - 1]} ns); sort the file ('isim import trace csv --sort' does)"
        )
    if not (ids[1:] > ids[:-1]).all():  # the usual, ascending ids need no search for duplicates
        unique, count = np.unique(ids, return_counts=True)
        if len(unique) < len(ids):
            yield f"request_id is not unique (found {unique[count > 1][0]} more than once); number the requests"
        elif ((arrivals[1:] == arrivals[:-1]) & (ids[1:] < ids[:-1])).any():
            yield "simultaneous requests are not sorted by request_id; sort by arrival_ns, then request_id"
    if isinstance(duration_ns, int) and duration_ns >= 0:
        late = arrivals > duration_ns
        if late.any():
            found = f"found {arrivals[int(late.argmax())]} ns in {rows_named(late, row)}"
            yield f"arrivals after the observed {duration_ns} ns ({found}); raise duration_ns or cut the trace"


def _numbers(table: pa.Table, name: str, otherwise: int) -> npt.NDArray[Any]:
    column: Any = table[name]
    numbers: npt.NDArray[Any] = (column.fill_null(otherwise) if column.null_count else column).to_numpy()
    return numbers


def rows_named(bad: _Mask, row: Row) -> str:
    """Name the first bad row for people, and say how many more there are."""
    first, count = row(int(bad.argmax())), int(bad.sum())
    return first if count == 1 else f"{first} and {count - 1} more"
