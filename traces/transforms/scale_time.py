"""Change the rate of a trace by changing its tempo."""

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.ordered import Moved, ordered
from isim.traces.trace_stream import TraceStream


def scale_time(trace: TraceStream, factor: float) -> TraceStream:
    """Divide all times by `factor`: the rate is multiplied by it; the counts, the shares and the CV stay.

    Think times shrink with the arrivals; objectives and recorded latencies do not.

    Parameters
    ----------
    factor
        > 0; 2 lets everything happen twice as fast.

    Raises
    ------
    TraceError
        The factor is not positive and finite, or arrivals would lie beyond 292 years or all within a nanosecond.

    Examples
    --------
    >>> from isim.traces.trace import Trace
    >>> trace = Trace.from_columns(arrival_ns=[0, 10, 30], model="bert", duration_ns=40)
    >>> fast = scale_time(TraceStream.of(trace), 2).collected()
    >>> fast.arrival_ns, fast.duration_ns
    (array([ 0,  5, 15]), 20)
    """
    if not 0 < factor < math.inf:
        raise TraceError(f"scale: the factor must be > 0 and finite (found {factor:g}); correct it")
    if trace.duration_ns / factor >= 2**63:
        raise TraceError(f"scale: arrivals would lie beyond 292 years (factor {factor:g}); choose a larger factor")
    if 0 < trace.duration_ns < factor:
        raise TraceError(
            f"scale: all would arrive within one ns, and times are whole ns (factor {factor:g}); choose a factor of at "
            f"most {trace.duration_ns:.3g}"
        )
    duration_ns = round(trace.duration_ns / factor)
    resolution_ns = trace.footer.get("time_resolution_ns")
    coarser = {} if resolution_ns is None else {"time_resolution_ns": max(1, round(resolution_ns / factor))}

    def moved() -> Iterator[Moved]:
        for chunk in trace:
            arrival_ns = np.minimum(np.rint(chunk["arrival_ns"].to_numpy() / factor).astype(np.int64), duration_ns)
            last_ns = int(arrival_ns[-1])
            chunk = chunk.set_column(0, "arrival_ns", pa.array(arrival_ns))
            if "think_ns" in chunk.column_names:
                index = chunk.column_names.index("think_ns")
                think = chunk["think_ns"].combine_chunks()
                scaled = np.rint(think.fill_null(0).to_numpy() / factor).astype(np.int64)
                mask = think.is_null().to_numpy(zero_copy_only=False)
                chunk = chunk.set_column(index, "think_ns", pa.array(scaled, mask=mask))
            yield Moved(chunk, last_ns)

    operation = {"op": "scale", "params": {"method": "time", "factor": factor}}
    return trace.changed(operation, lambda: ordered(moved()), duration_ns=duration_ns, **coarser)
