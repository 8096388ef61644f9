"""Multiply the requests of a trace."""

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.ordered import Moved, ordered
from isim.traces.parquet_file import GROUP_ROWS
from isim.traces.schema import MOST_REQUESTS
from isim.traces.streams import stream
from isim.traces.trace_stream import TraceStream
from isim.traces.transforms.thin import check_independent


def replicate(trace: TraceStream, factor: float, jitter_ns: int, seed: int) -> TraceStream:
    """Send every request `factor` times: once when it came, and copies moved by up to `jitter_ns` either way.

    Copies stay within the observed time: one that would leave it is reflected. The requests are numbered anew.

    Parameters
    ----------
    factor
        From 1 to 2^20. Of 2.3, every request has one copy and three in ten have another.
    jitter_ns
        Largest distance of a copy from its original, in ns; 0 sends them together. It decides how bursty the result
        is on shorter time scales.
    seed
        Of the jitter, and of who has a further copy.

    Raises
    ------
    TraceError
        A number is out of range, or there would be more than 2^31 requests; from the iteration, requests wait for
        others.

    Examples
    --------
    >>> from isim.traces.trace import Trace
    >>> trace = Trace.from_columns(arrival_ns=[0, 100], model=["a", "b"], duration_ns=200)
    >>> replicate(TraceStream.of(trace), 2, jitter_ns=20, seed=1).collected().arrival_ns
    array([  0,   0, 100, 109])
    """
    if not 1 <= factor < math.inf:
        raise TraceError(f"replicate: the factor must be >= 1 and finite (found {factor:g}); thin to get fewer")
    if jitter_ns < 0:
        raise TraceError(f"replicate: the jitter must be >= 0 (found {jitter_ns} ns); correct it")
    _check_number(trace, factor)
    duration_ns = trace.duration_ns

    def moved() -> Iterator[Moved]:
        more, jitters = stream(seed, "replicate", "copies"), stream(seed, "replicate", "jitter")
        sent = 0
        for chunk in _pieces(trace, max(1, int(GROUP_ROWS / factor))):
            check_independent(chunk, "replicate")
            copies = int(factor) + (more.random(len(chunk)) < factor - int(factor))
            source = np.repeat(np.arange(len(chunk)), copies)
            original = np.diff(source, prepend=-1) > 0
            arrival_ns = chunk["arrival_ns"].to_numpy()[source]
            last_ns = int(arrival_ns[-1])
            jitter = jitters.integers(-jitter_ns, jitter_ns, size=len(source), endpoint=True)
            arrival_ns = np.abs(arrival_ns + np.where(original, 0, jitter))
            arrival_ns = np.clip(np.minimum(arrival_ns, 2 * duration_ns - arrival_ns), 0, duration_ns)
            chunk = chunk.take(source).set_column(0, "arrival_ns", pa.array(arrival_ns))
            index = chunk.column_names.index("request_id")
            # Numbered in this order first, so that simultaneous copies keep the order of their originals.
            chunk = chunk.set_column(index, "request_id", pa.array(np.arange(sent, sent + len(chunk))))
            sent += len(chunk)
            yield Moved(chunk, min(last_ns, duration_ns) - jitter_ns)

    def numbered() -> Iterator[pa.Table]:
        sent = 0
        for chunk in ordered(moved()):
            index = chunk.column_names.index("request_id")
            yield chunk.set_column(index, "request_id", pa.array(np.arange(sent, sent + len(chunk))))
            sent += len(chunk)

    params = {"factor": factor, "jitter_ns": jitter_ns}
    return trace.changed({"op": "replicate", "params": params, "seed": seed}, numbered)


def _check_number(trace: TraceStream, factor: float) -> None:
    if factor > GROUP_ROWS:  # the copies of one request are made at once
        raise TraceError(
            f"replicate: copies of one request must fit into memory (found factor {factor:g}, at most {GROUP_ROWS:,}); "
            "lower the factor"
        )
    requests = trace.survey().requests
    if requests * factor > MOST_REQUESTS:
        raise TraceError(
            f"replicate: a trace holds at most 2^31 requests (found {requests:,} times {factor:g}); lower the factor "
            f"to {MOST_REQUESTS // requests:,}"
        )


def _pieces(trace: TraceStream, rows: int) -> Iterator[pa.Table]:
    """Divide the chunks, lest their copies be many times as large."""
    for chunk in trace:
        for start in range(0, len(chunk), rows):
            yield chunk.slice(start, rows)
