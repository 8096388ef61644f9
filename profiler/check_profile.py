"""Find everything that is wrong with a profile's table, all at once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.profiler.conform import count_rows
from isim.profiler.schema import KINDS, SHARES

_COUNTS = ("duration_mad_ns", "samples", "grid", "block", "registers", "shared_memory_bytes", "bytes")
_LONGEST_NS = 2**53
"""104 days; beyond, a float64 does not hold every nanosecond, nor an int64 the sum of a thousand kernels."""
_Mask = npt.NDArray[np.bool_]


def table_problems(table: pa.Table) -> Iterator[str]:
    """Yield what is wrong with the values of a table that has the schema and is sorted by its key.

    Examples
    --------
    >>> from isim.profiler.schema import SCHEMA
    >>> list(table_problems(SCHEMA.empty_table()))
    ['no rows; a profile needs at least one operation']
    """
    if len(table) == 0:
        yield "no rows; a profile needs at least one operation"
        return
    yield from _value_problems(table)
    yield from _batch_problems(table)


def _first(table: pa.Table, bad: _Mask, column: str) -> str:
    row = int(bad.argmax())
    key = table.slice(row, 1).to_pylist()[0]
    share = "" if key["sm_share"] == 1 else f" at SM share {key['sm_share']:g}"
    return (
        f"{count_rows(int(bad.sum()))} (first: {key[column]!r} in row {row}: "
        f"{key['model']}, batch size {key['batch_size']}{share}, position {key['position']})"
    )


def _numbers(table: pa.Table, column: str) -> npt.NDArray[Any]:
    return table[column].combine_chunks().fill_null(0).to_numpy(zero_copy_only=False)


def _value_problems(table: pa.Table) -> Iterator[str]:
    for column in SHARES:
        values = _numbers(table, column)
        bad = ~((values >= 0) & (values <= 1))  # NaN compares false with everything, so it is caught as well
        if bad.any():
            yield f"{column} is outside 0..1 in {_first(table, bad, column)}; state shares of the peak, null if unknown"
    for column in ("duration_ns", "gap_ns", *_COUNTS):
        bad = _numbers(table, column) < 0
        if bad.any():
            yield f"{column} is negative in {_first(table, bad, column)}; correct it"
    for column in ("duration_ns", "gap_ns"):
        bad = _numbers(table, column) > _LONGEST_NS
        if bad.any():
            yield f"{column} is longer than 104 days in {_first(table, bad, column)}; check the unit"
    bad = _numbers(table, "batch_size") < 1
    if bad.any():
        yield f"batch_size is below 1 in {_first(table, bad, 'batch_size')}; a batch holds at least one sample"
    sm_share = _numbers(table, "sm_share")
    bad = ~((sm_share > 0) & (sm_share <= 1))
    if bad.any():
        yield f"sm_share is outside 0..1 in {_first(table, bad, 'sm_share')}; use 1 where all SMs were available"
    kind = np.array(table["kind"].to_pylist(), dtype=object)
    bad = ~np.isin(kind, KINDS)
    if bad.any():
        yield f"kind is unknown in {_first(table, bad, 'kind')}; use one of {', '.join(KINDS)}"


def _batch_problems(table: pa.Table) -> Iterator[str]:
    kind = np.array(table["kind"].to_pylist(), dtype=object)
    position, duration_ns, gap_ns = (_numbers(table, name) for name in ("position", "duration_ns", "gap_ns"))
    for (model, batch_size, sm_share), rows in batch_rows(table).items():
        where = f"{model} at batch size {batch_size}" + ("" if sm_share == 1 else f" and SM share {sm_share:g}")
        expected = np.arange(rows.stop - rows.start)
        if (position[rows] != expected).any():
            wrong = int((position[rows] != expected).argmax())
            yield (
                f"{where}: positions are not 0..{len(expected) - 1} "
                f"(found {position[rows][wrong]} where {wrong} belongs); number the operations in launch order"
            )
        ends = kind[rows] == "end"
        if ends[:-1].any():
            yield f"{where}: an 'end' row stands before the last position; it may only close the batch"
        if duration_ns[rows][ends].any():
            yield f"{where}: the 'end' row has a duration; it only holds the gap after the last operation, make it 0"
        if ends.all():
            yield f"{where}: no operation, only an 'end' row; record at least one"
        elif duration_ns[rows].sum() + gap_ns[rows].sum() == 0:
            yield f"{where}: the batch takes no time at all; record its durations"


def batch_rows(table: pa.Table) -> dict[tuple[str, int, float], slice]:
    """Return the rows of each (model, batch size, SM share) of a sorted table.

    Examples
    --------
    >>> batch_rows(pa.table({"model": ["a", "a", "b"], "batch_size": [1, 1, 8], "sm_share": [1.0, 1.0, 1.0]}))
    {('a', 1, 1.0): slice(0, 2, None), ('b', 8, 1.0): slice(2, 3, None)}
    """
    rows: dict[tuple[str, int, float], slice] = {}
    keys = zip(*(table[name].to_pylist() for name in ("model", "batch_size", "sm_share")), strict=True)
    for row, key in enumerate(keys):
        rows[key] = slice(rows[key].start if key in rows else row, row + 1)
    return rows
