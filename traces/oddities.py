"""What is allowed in a trace but rarely meant."""

from collections.abc import Iterator

import numpy as np

from isim.traces.clock_grid import clock_grid_ns
from isim.traces.trace import Trace

_MANY_TIES = 0.1
_COARSE_GAPS = 0.5
_FASTEST_RPS = 1e7
_LONGEST_S = 10 * 365 * 86400.0


def oddities(trace: Trace) -> Iterator[str]:
    """Yield what a person should know before using the trace: what, how much of it, and what to do.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=np.repeat(np.arange(20) * 3 * 10**9, 5), model="llm")
    >>> list(oddities(trace))  # doctest: +NORMALIZE_WHITESPACE
    ["81 % of the gaps are 0: the clock ticked every 3 s, so that requests come in groups;
      spread them with 'isim trace dequantize', or mean it"]
    """
    arrivals, duration_s = trace.arrival_ns, trace.duration_ns / 1e9
    ties = float(np.mean(np.diff(arrivals) == 0)) if len(arrivals) > 1 else 0.0
    tick_ns = clock_grid_ns(arrivals) if ties >= _MANY_TIES else None
    if tick_ns is not None and tick_ns / 1e9 >= _COARSE_GAPS * duration_s / len(trace):
        yield (
            f"{ties * 100:.0f} % of the gaps are 0: the clock ticked every {tick_ns / 1e9:g} s, so that requests come "
            "in groups; spread them with 'isim trace dequantize', or mean it"
        )
    if duration_s > _LONGEST_S:
        yield (
            f"arrivals span {duration_s / 86400:,.0f} days; if time 0 is 1970, import with the first arrival as "
            "origin, and check the unit of the times"
        )
    if len(trace) > 1 and duration_s > 0 and len(trace) / duration_s > _FASTEST_RPS:
        yield f"{len(trace) / duration_s:.3g} requests arrive per second; check the unit of the times"
