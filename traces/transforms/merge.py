"""Put several traces together, side by side or one after another."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.trace import Trace

_ID_COLUMNS = ("request_id", "parent_id", "session_id")


def merge(traces: Sequence[Trace], in_turn: bool = False) -> Trace:
    """Return all requests of several traces as one trace.

    Requests keep their ids if these are unique; otherwise they are numbered anew, trace by trace, and so are their
    parents and sessions.

    Parameters
    ----------
    traces
        At least two.
    in_turn
        Let each start where the one before ends, instead of all at time 0.

    Raises
    ------
    TraceError
        There are fewer than two traces, or columns of one name differ in type.

    Examples
    --------
    >>> a, b = (Trace.from_columns(arrival_ns=[0, 4], model=name, duration_ns=10) for name in "ab")
    >>> merge([a, b]).table["model"].to_pylist(), merge([a, b], in_turn=True).arrival_ns
    (['a', 'b', 'a', 'b'], array([ 0,  4, 10, 14]))
    """
    if len(traces) < 2:
        raise TraceError(f"merge: nothing to merge with (found {len(traces)}); give at least two traces")
    lengths_ns = [trace.duration_ns for trace in traces]
    starts_ns = np.cumsum([0, *lengths_ns[:-1]]) if in_turn else np.zeros(len(traces), dtype=np.int64)
    ids = np.concatenate([trace.table["request_id"].to_numpy() for trace in traces])
    anew = len(np.unique(ids)) < len(ids)
    tables, first = [], 0
    for trace, start_ns in zip(traces, starts_ns, strict=True):
        table = trace.table.set_column(0, "arrival_ns", pa.array(trace.arrival_ns + start_ns))
        tables.append(_numbered(table, first) if anew else table)
        first += len(table)
    try:
        together = pa.concat_tables(tables, promote_options="default")
    except pa.ArrowException as error:
        raise TraceError(f"merge: columns of one name differ ({str(error).splitlines()[0]}); rename one") from None
    order = np.lexsort((together["request_id"].to_numpy(), together["arrival_ns"].to_numpy()))
    together = together.take(order)
    if anew:
        together = _renumbered(together)
    return Trace.from_table(together, _footer(traces, sum(lengths_ns) if in_turn else max(lengths_ns), in_turn))


def _numbered(table: pa.Table, first: int) -> pa.Table:
    """Number the requests of one trace from `first` on, and what refers to them."""
    ids = table["request_id"].to_numpy()
    by_id = np.argsort(ids)
    columns: dict[str, Any] = {"request_id": np.arange(first, first + len(table))}
    if "parent_id" in table.column_names:
        parents = table["parent_id"].combine_chunks()
        at = np.searchsorted(ids[by_id], parents.fill_null(0).to_numpy()).clip(max=len(ids) - 1)
        known = (ids[by_id][at] == parents.fill_null(0).to_numpy()) & ~parents.is_null().to_numpy(zero_copy_only=False)
        columns["parent_id"] = pa.array(first + by_id[at], mask=~known)
    if "session_id" in table.column_names:
        sessions = table["session_id"].combine_chunks()
        codes = sessions.dictionary_encode()
        numbers = codes.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64) + first
        columns["session_id"] = pa.array(numbers, mask=sessions.is_null().to_numpy(zero_copy_only=False))
    for name, column in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(column))
    return table


def _renumbered(table: pa.Table) -> pa.Table:
    """Number requests in their order of arrival; ids are 0 to n - 1 already, in another order."""
    ids = table["request_id"].to_numpy()
    place = np.empty(len(ids), dtype=np.int64)
    place[ids] = np.arange(len(ids))
    table = table.set_column(table.column_names.index("request_id"), "request_id", pa.array(np.arange(len(ids))))
    if "parent_id" in table.column_names:
        parents = table["parent_id"].combine_chunks()
        missing = parents.is_null().to_numpy(zero_copy_only=False)
        moved = pa.array(place[parents.fill_null(0).to_numpy()], mask=missing)
        table = table.set_column(table.column_names.index("parent_id"), "parent_id", moved)
    return table


def _footer(traces: Sequence[Trace], duration_ns: int, in_turn: bool) -> dict[str, Any]:
    """Keep what all traces agree on, and each one's own footer in the history."""
    footers = [trace.footer for trace in traces]
    agreed = {key: value for key, value in footers[0].items() if all(f.get(key) == value for f in footers[1:])}
    agreed.pop("history", None)
    params = {"in_turn": in_turn, "footers": footers}
    return {**agreed, "duration_ns": duration_ns, "history": [{"op": "merge", "params": params}]}
