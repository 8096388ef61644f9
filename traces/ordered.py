"""Bring requests back into order after each was moved a little."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa


class Moved(NamedTuple):
    """A chunk whose arrivals were moved."""

    chunk: pa.Table
    frontier_ns: int
    """No request of a later chunk arrives before this."""


def ordered(chunks: Iterable[Moved]) -> Iterator[pa.Table]:
    """Yield the requests sorted by (arrival_ns, request_id), holding back only what a later chunk may precede.

    Examples
    --------
    >>> def chunk(*arrival_ns):
    ...     return pa.table({"arrival_ns": arrival_ns, "request_id": arrival_ns})
    >>> [part["arrival_ns"].to_pylist() for part in ordered([Moved(chunk(1, 5), 4), Moved(chunk(9, 4), 9)])]
    [[1], [4, 5], [9]]
    """
    waiting: pa.Table | None = None
    for chunk, frontier_ns in chunks:
        table = _sorted(chunk if waiting is None else pa.concat_tables([waiting, chunk]))
        ready = int(np.searchsorted(table["arrival_ns"].to_numpy(), frontier_ns))
        if ready:
            yield table.slice(0, ready)
        waiting = table.slice(ready)
    if waiting is not None and len(waiting):
        yield waiting


def _sorted(table: pa.Table) -> pa.Table:
    arrivals, ids = table["arrival_ns"].to_numpy(), table["request_id"].to_numpy()
    gaps = np.diff(arrivals)
    if (gaps < 0).any() or ((gaps == 0) & (ids[1:] < ids[:-1])).any():
        return table.take(np.lexsort((ids, arrivals)))
    return table
