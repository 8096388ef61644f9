"""Spread requests that a coarse clock put at the same instants."""

from typing import Any

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.clock_grid import clock_grid_ns
from isim.traces.streams import stream
from isim.traces.trace import Trace


def dequantize(trace: Trace, seed: int, tick_ns: int | None = None) -> Trace:
    """Return the trace with each request moved uniformly into the tick of the clock that its time stands for.

    The order of the requests stays: those of one instant are dealt sorted times between it and the next.

    Parameters
    ----------
    seed
        Of the new times.
    tick_ns
        Of the clock; that found by `clock_grid_ns` if left out.

    Raises
    ------
    TraceError
        No tick was found.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 0, 1000, 3000], model="a")
    >>> dequantize(trace, seed=1, tick_ns=1000).arrival_ns
    array([ 188,  342, 1993, 3642])
    """
    arrival_ns = trace.arrival_ns
    tick_ns = clock_grid_ns(arrival_ns) if tick_ns is None else tick_ns
    if tick_ns is None:
        raise TraceError("dequantize: too few distinct times to find the clock's tick; name it")
    instants, which = np.unique(arrival_ns, return_inverse=True)
    room_ns = np.minimum(np.diff(instants, append=instants[-1] + tick_ns), tick_ns)
    drawn = stream(seed, "dequantize").random(len(arrival_ns))
    drawn = drawn[np.lexsort((drawn, which))]  # ascending within each instant
    moved = arrival_ns + (drawn * room_ns[which]).astype(np.int64)
    operation: dict[str, Any] = {"op": "dequantize", "params": {"law": "uniform", "tick_ns": tick_ns}, "seed": seed}
    footer = {"duration_ns": max(trace.duration_ns, int(instants[-1] + tick_ns))}
    return trace.revised(operation, footer, arrival_ns=pa.array(moved))
