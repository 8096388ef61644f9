"""Give new arrivals the sizes, objectives and other columns that requests of the same model had."""

from typing import Any

import numpy as np

from isim.errors import TraceError
from isim.traces.streams import stream
from isim.traces.trace import Trace

_OWN = ("arrival_ns", "model", "request_id", "session_id", "parent_id", "think_ns", "rec_latency_ns", "rec_status")


def draw_columns(trace: Trace, like: Trace, seed: int) -> Trace:
    """Return the trace with all further columns drawn, whole rows at a time, from requests to the same model.

    Rows are drawn with replacement, so that what belongs together, such as input and output tokens, stays together.
    Sessions and what the source recorded are not drawn: they belong to the requests that were.

    Parameters
    ----------
    like
        What is drawn from.
    seed
        Of the draws.

    Raises
    ------
    TraceError
        `like` has no request to one of the models.

    Examples
    --------
    >>> like = Trace.from_columns(arrival_ns=[0, 1], model=["a", "b"], input_tokens=[10, 20])
    >>> new = Trace.from_columns(arrival_ns=[0, 1, 2], model=["b", "a", "b"])
    >>> draw_columns(new, like, seed=1).table["input_tokens"].to_pylist()
    [20, 10, 20]
    """
    names = [name for name in like.table.column_names if name not in (*_OWN, *trace.table.column_names)]
    if missing := sorted(set(trace.models) - set(like.models)):
        raise TraceError(f"draw: no request to {missing[0]!r} to draw from (has: {', '.join(like.models)}); add one")
    if not names:
        return trace
    rows = np.empty(len(trace), dtype=np.int64)
    for code, model in enumerate(trace.models):
        own = np.flatnonzero(trace.model_codes == code)
        pool = np.flatnonzero(like.model_codes == like.models.index(model))
        rows[own] = pool[stream(seed, "draw", model).integers(len(pool), size=len(own))]
    drawn = like.table.select(names).take(rows)
    operation = {"op": "draw", "params": {"columns": names}, "seed": seed}
    columns: dict[str, Any] = {name: drawn[name] for name in names}
    return trace.revised(operation, **columns)
