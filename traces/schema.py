"""The columns of traces and of rates, and how a table is brought to them."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SCHEMA_VERSION = "1"
MOST_REQUESTS = 2**31
"""Drawn at once; more would not fit in memory."""


def _list_of(element: Any) -> Any:
    """Name the elements as Parquet does, so that what is read equals what was written."""
    return pa.list_(pa.field("element", element))


_TEXT = pa.dictionary(pa.int32(), pa.string())
COLUMNS: Mapping[str, Any] = {
    "arrival_ns": pa.int64(),  # since the start of the trace
    "model": _TEXT,
    "request_id": pa.int64(),
    "slo_ns": pa.int64(),  # end to end, from the arrival on
    "ttft_slo_ns": pa.int64(),
    "tpot_slo_ns": pa.int64(),
    "priority": pa.int16(),  # larger is more urgent
    "tenant": _TEXT,
    "class": _TEXT,
    "batch": pa.int32(),  # samples the request holds
    "input_tokens": pa.int32(),
    "output_tokens": pa.int32(),
    "input_bytes": pa.int64(),
    "output_bytes": pa.int64(),
    "variant": _TEXT,  # class of input shape
    "work": pa.float32(),  # factor on the service time
    "session_id": pa.int64(),
    "parent_id": pa.int64(),  # the request that must finish first
    "think_ns": pa.int64(),  # from the parent's finish on
    "prefix_blocks": _list_of(pa.int32()),
    "rec_latency_ns": pa.int64(),  # what the source recorded; never used to schedule
    "rec_status": _TEXT,
}
RATES: Mapping[str, Any] = {
    "start_ns": pa.int64(),  # since the start of the trace
    "width_ns": pa.int64(),
    "model": _TEXT,
    "tenant": _TEXT,
    "count": pa.int64(),  # requests that were counted
    "rate_rps": pa.float64(),  # count / width where it is null
    "cv": pa.float32(),  # of the gaps
    "dist": _TEXT,  # the law of the arrivals within the window
    "shape": pa.float32(),  # of a gamma or Weibull law of gaps
    "scale_s": pa.float32(),  # of the same
    "burst_ratio": pa.float64(),  # rate in bursts / rate between them; null: nothing between them
    "burst_share": pa.float64(),  # of the time
    "cycle_s": pa.float64(),  # mean time from burst to burst
}
RATES_REQUIRED = ("start_ns", "width_ns", "model")
_BLANK: Any = pa.scalar("")
_NOTHING: Any = pa.scalar(None, pa.string())
REQUIRED = ("arrival_ns", "model", "request_id")
Row = Callable[[int], str]
"""Names a row for people, such as `row 3` or `line 5`."""


def conformed(
    table: pa.Table, row: Row, first_row: int = 0, *, columns_left_out: bool = True
) -> tuple[pa.Table, list[str]]:
    """Return requests in the schema's order and types, and what prevents it.

    An absent `request_id` is filled in with the row number.

    Parameters
    ----------
    row
        Names a row in a problem.
    first_row
        Number of the first row, of a part of a table.
    columns_left_out
        Leave out optional columns without a single value.
    """
    problems = _name_problems("a trace", COLUMNS, ("arrival_ns", "model"), table.column_names)
    if "request_id" not in table.column_names:
        table = table.append_column("request_id", pa.array(np.arange(first_row, first_row + len(table))))
    table, more = _conformed_columns(COLUMNS, REQUIRED, table, row, columns_left_out)
    return table, [*problems, *more]


def conformed_rates(table: pa.Table, row: Row) -> tuple[pa.Table, list[str]]:
    """Return rates in the schema's order and types, and what prevents it."""
    problems = _name_problems("rates", RATES, RATES_REQUIRED, table.column_names)
    table, more = _conformed_columns(RATES, RATES_REQUIRED, table, row, columns_left_out=True)
    return table, [*problems, *more]


def _conformed_columns(
    schema: Mapping[str, Any], required: Sequence[str], table: pa.Table, row: Row, columns_left_out: bool
) -> tuple[pa.Table, list[str]]:
    columns, problems = {}, []
    for name in (*schema, *sorted(name for name in set(table.column_names) if name.startswith("x_"))):
        if table.column_names.count(name) != 1:
            continue
        column, wanted = table[name], schema.get(name)
        try:
            array = _conformed_column(column, wanted)
        except pa.ArrowException as error:
            bad = first_refused(column, partial(_conformed_column, wanted=wanted))
            found = str(error).splitlines()[0] if bad is None else f"{column[bad].as_py()!r} in {row(bad)}"
            problems.append(
                f"column {name!r} is not {'text' if wanted == _TEXT else wanted} (found {found}); correct it"
            )
            continue
        # An optional column without a value says nothing: with or without it, the trace is the same.
        if name in required or not columns_left_out or array.null_count < len(array):
            columns[name] = array
    return pa.table(columns), problems


def _name_problems(what: str, schema: Mapping[str, Any], required: Sequence[str], names: list[str]) -> list[str]:
    has = ", ".join(names) or "no columns"
    problems = [f"no column {name!r} (has: {has}); add it" for name in required if name not in names]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.append(f"column {name!r} stands there {names.count(name)} times; keep one")
        if name not in schema and not name.startswith("x_"):
            near = difflib.get_close_matches(name, [known for known in schema if known not in names], 1)
            advice = f"did you mean {near[0]!r}? otherwise " if near else ""
            problems.append(f"column {name!r} is not part of {what}; {advice}call it 'x_{name}' to keep it")
    return problems


def _conformed_column(column: Any, wanted: Any) -> Any:
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if text:  # of a text file, perhaps, where an empty cell is no value
        column = pc.utf8_trim_whitespace(column.cast(pa.string()))
        column = pc.if_else(pc.equal(column, _BLANK), _NOTHING, column)
    if wanted == _TEXT or (wanted is None and (text or pa.types.is_dictionary(column.type))):
        return sorted_dictionary(column)
    array = column.combine_chunks()
    if wanted is None and pa.types.is_list(array.type):
        wanted = _list_of(array.type.value_type)
    if wanted is None or str(array.type) == str(wanted):
        return array
    if pa.types.is_temporal(array.type):  # a cast would keep the number and lose its unit
        raise pa.ArrowTypeError(f"{array.type}, which has a unit of its own")
    return array.cast(wanted)


def sorted_dictionary(column: Any) -> Any:
    """Encode with exactly the values used, sorted, so that equal content is equal bytes.

    Examples
    --------
    >>> sorted_dictionary(pa.chunked_array([pa.array(["b", "a", "b"]).dictionary_encode()])).indices.to_pylist()
    [1, 0, 1]
    """
    if column.type != _TEXT:
        column = column.cast(column.type.value_type if pa.types.is_dictionary(column.type) else pa.string())
        column = column.cast(pa.string()).dictionary_encode()
    array = column.combine_chunks()
    missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    codes = (array.indices.fill_null(0) if array.null_count else array.indices).to_numpy()
    used = np.flatnonzero(np.bincount(codes if missing is None else codes[~missing], minlength=len(array.dictionary)))
    texts = array.dictionary.to_numpy(zero_copy_only=False)
    names, order = np.unique(texts[used].astype(str), return_inverse=True)
    if names.tolist() == texts.tolist():
        return array
    recoded = np.zeros(len(texts) + 1, dtype=np.int32)
    recoded[used] = order
    return pa.DictionaryArray.from_arrays(pa.array(recoded[codes], mask=missing), pa.array(names.tolist(), pa.string()))


def first_refused(column: Any, convert: Callable[[Any], object]) -> int | None:
    """Find the first row because of which `convert` raises an Arrow exception, by halving."""
    start, length = 0, len(column)
    while length > 1:
        half = length // 2
        try:
            convert(column.slice(start, half))
            start, length = start + half, length - half
        except pa.ArrowException:
            length = half
    try:
        convert(column.slice(start, 1))
    except pa.ArrowException:
        return start
    return None
