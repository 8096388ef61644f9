"""Give the requests of a trace their latency objectives."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.trace import Trace


def with_slo(trace: Trace, slo_ns: Mapping[str, int], otherwise_ns: int | None = None) -> Trace:
    """Return the trace with each request's SLO set to its model's; requests of models not named keep theirs.

    Parameters
    ----------
    slo_ns
        End-to-end objective of each model, in ns.
    otherwise_ns
        That of all models not named.

    Raises
    ------
    TraceError
        The trace does not request such a model, or an objective is not positive.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 1], model=["bert", "resnet50"])
    >>> with_slo(trace, {"bert": 50_000_000}).table["slo_ns"].to_pylist()
    [50000000, None]
    """
    problems = [
        f"no request to {name!r} (has: {', '.join(trace.models)}); correct the name"
        for name in slo_ns
        if name not in trace.models
    ]
    for objective_ns in (*slo_ns.values(), *([] if otherwise_ns is None else [otherwise_ns])):
        if objective_ns < 1:
            problems.append(f"an objective must be >= 1 ns (found {objective_ns}); raise it")
    if problems:
        raise TraceError(*(f"slo: {problem}" for problem in problems))
    old: Any = trace.table["slo_ns"] if "slo_ns" in trace.table.column_names else None
    kept = np.zeros(len(trace), dtype=np.int64) if old is None else old.fill_null(0).to_numpy()
    given = np.array([slo_ns.get(name, otherwise_ns or 0) for name in trace.models])[trace.model_codes]
    column = np.where(given > 0, given, kept)
    operation = {"op": "slo", "params": {"slo_ns": dict(slo_ns), "otherwise_ns": otherwise_ns}}
    return trace.revised(operation, slo_ns=pa.array(column, mask=column == 0))
