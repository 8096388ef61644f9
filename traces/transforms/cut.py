"""Take a part of a trace: an interval of time, some of its models."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isim.errors import TraceError
from isim.traces.trace_stream import TraceStream

_NAMED = 20
"""Models that an error names; a trace may have thousands."""


def cut(
    trace: TraceStream, start_ns: int = 0, end_ns: int | None = None, models: Collection[str] | None = None
) -> TraceStream:
    """Keep the requests that arrive in [start, end), and let time start at `start_ns`.

    A request that waited for one before the cut waits for nothing; `epoch`, if known, moves along.

    Parameters
    ----------
    start_ns, end_ns
        Since the start of the trace; without an end, all that follows is kept.
    models
        Keep only requests to these.

    Raises
    ------
    TraceError
        The interval is empty or lies outside the observed time, or the trace has no such model.

    Examples
    --------
    >>> from isim.traces.trace import Trace
    >>> trace = Trace.from_columns(arrival_ns=[0, 10, 20, 30], model="bert", duration_ns=40)
    >>> part = cut(TraceStream.of(trace), 10, 30).collected()
    >>> part.arrival_ns, part.duration_ns
    (array([ 0, 10]), 20)
    """
    observed_ns = trace.duration_ns
    # Of a trace observed until its last arrival, that arrival is in: there is nothing after it to leave out.
    until_ns = observed_ns + 1 if end_ns is None else end_ns
    if not 0 <= start_ns < until_ns or (end_ns is not None and end_ns > observed_ns):
        end = "the end" if end_ns is None else f"{end_ns / 1e9:.15g} s"
        found = f"found {start_ns / 1e9:.15g} s to {end} of {observed_ns / 1e9:.15g} s"
        raise TraceError(f"slice: the interval is empty or leaves the observed time ({found}); correct it")
    if models is not None:
        _check_models(models, trace.survey().models)
    duration_ns = min(until_ns, observed_ns) - start_ns

    def opened() -> Iterator[pa.Table]:
        dropped = np.empty(0, dtype=np.int64)
        for chunk in trace:
            arrival_ns = chunk["arrival_ns"].to_numpy()
            if arrival_ns[0] >= until_ns:
                break
            kept = (arrival_ns >= start_ns) & (arrival_ns < until_ns)
            if models is not None:
                kept &= pc.is_in(chunk["model"].cast(pa.string()), pa.array(list(models))).to_numpy()
            waits = "parent_id" in chunk.column_names
            if waits:
                dropped = np.concatenate([dropped, chunk["request_id"].to_numpy()[~kept]])
            chunk = chunk.filter(pa.array(kept))
            if not len(chunk):
                continue
            chunk = chunk.set_column(0, "arrival_ns", pa.array(chunk["arrival_ns"].to_numpy() - start_ns))
            yield _freed(chunk, dropped) if waits else chunk

    params: dict[str, Any] = {"start_ns": start_ns, "end_ns": end_ns}
    if models is not None:
        params["models"] = sorted(models)
    footer: dict[str, Any] = {"duration_ns": duration_ns}
    if isinstance(epoch := trace.footer.get("epoch"), str):
        footer["epoch"] = _later(epoch, start_ns)
    return trace.changed({"op": "slice", "params": params}, opened, **footer)


def _check_models(named: Collection[str], known: Sequence[str]) -> None:
    if unknown := sorted(set(named) - set(known)):
        more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
        raise TraceError(
            f"slice: no such model in the trace (found {', '.join(unknown)}; the trace has: "
            f"{', '.join(known[:_NAMED])}{more}); name models that it has"
        )


def _freed(chunk: pa.Table, dropped: Any) -> pa.Table:
    """Let go of parents that were dropped."""
    gone = pc.is_in(chunk["parent_id"], pa.array(dropped))
    for name in ("parent_id", "think_ns"):
        if name in chunk.column_names:
            column = pc.if_else(gone, pa.scalar(None, pa.int64()), chunk[name])
            chunk = chunk.set_column(chunk.column_names.index(name), name, column)
    return chunk


def _later(epoch: str, by_ns: int) -> str | None:
    try:
        moved = np.datetime64(epoch.removesuffix("Z").removesuffix("+00:00"), "ns") + np.timedelta64(by_ns, "ns")
    except ValueError:  # not a time in ISO form: what it would be then is unknown
        return None
    return str(np.datetime_as_string(moved))
