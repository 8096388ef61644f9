"""The objectives of requests: whether there are such models, and those that a trace carries itself."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from isim.building.known_models import check_known
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream


def check_objectives(named: Iterable[str], models: Iterable[str]) -> None:
    """Check that there are the models that objectives are given for; `*` stands for all.

    Raises
    ------
    ExperimentError
        There is no such model; all of them at once.

    Examples
    --------
    >>> check_objectives(["*", "bert"], ["bert"])
    >>> check_objectives(["brt"], ["bert"])
    Traceback (most recent call last):
    isim.errors.ExperimentError: slo.brt: no such model (has: bert); did you mean bert?
    """
    check_known({f"slo.{model}": model for model in named if model != "*"}, {*models} - {"*"})


def own_slo(trace: Trace | TraceStream) -> dict[str, dict[str, Any]]:
    """Return by model how many of its requests carry an objective, and the least and the most of these in seconds.

    Models without any are left out.

    Examples
    --------
    >>> own_slo(Trace.from_columns(arrival_ns=[0, 1, 2], model=["a", "a", "b"], slo_ns=[10**9, None, None]))
    {'a': {'requests': 1, 'least_s': 1.0, 'most_s': 1.0}}
    """
    tables: Iterable[pa.Table] = [trace.table] if isinstance(trace, Trace) else trace
    found: dict[str, dict[str, Any]] = {}
    for table in tables:
        if "slo_ns" not in table.column_names:
            continue
        carried = table.select(["model", "slo_ns"]).filter(table["slo_ns"].is_valid())
        groups = carried.group_by("model").aggregate([("slo_ns", "count"), ("slo_ns", "min_max")]).to_pylist()
        for group in groups:
            least_s, most_s = (group["slo_ns_min_max"][end] / 1e9 for end in ("min", "max"))
            own = found.setdefault(group["model"], {"requests": 0, "least_s": least_s, "most_s": most_s})
            own["requests"] += group["slo_ns_count"]
            own["least_s"], own["most_s"] = min(own["least_s"], least_s), max(own["most_s"], most_s)
    return dict(sorted(found.items()))
