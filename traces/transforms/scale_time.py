"""Change the rate of a trace by changing its tempo."""

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.ordered import Moved, ordered
from isim.traces.trace_stream import TraceStream

_MOST = 1e9


def scale_time(trace: TraceStream, factor: float) -> TraceStream:
    """Divide all times by `factor`: the rate is multiplied by it; the counts, the shares and the CV stay.

    Think times shrink with the arrivals; objectives and recorded latencies do not.

    Parameters
    ----------
    factor
        More than 0 and at most 10^9; 2 lets everything happen twice as fast.

    Raises
    ------
    TraceError
        The factor is not positive and finite, or arrivals would lie beyond 292 years, or seconds shrink to nothing.

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
    if factor > _MOST:
        raise TraceError(
            f"scale: a second would shrink to less than the ns that times are counted in (factor {factor:g}); choose a "
            f"factor of at most {_MOST:g}"
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
