"""Find by what the rate of a trace must be multiplied to reach another."""

from isim.errors import TraceError
from isim.traces.trace_stream import TraceStream


def rate_factor(trace: TraceStream, rate_rps: float) -> float:
    """Return the rate wanted over the rate there is; the trace is read once.

    Raises
    ------
    TraceError
        The trace was observed for no time, so that it has no rate.

    Examples
    --------
    >>> from isim.traces.trace import Trace
    >>> rate_factor(TraceStream.of(Trace.from_columns(arrival_ns=[0, 1], model="a", duration_ns=10**9)), 3)
    1.5
    """
    if trace.duration_ns <= 0:
        raise TraceError("scale: the trace was observed for no time, so that it has no rate; give a factor")
    return rate_rps / (trace.survey().requests / (trace.duration_ns / 1e9))
