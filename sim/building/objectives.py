"""The objectives of requests: whether there are such models, and those that a trace carries itself."""

import difflib
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from isim.errors import ExperimentError
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
    known = sorted({*models} - {"*"})
    problems = []
    for model in named:
        if model not in known and model != "*":
            near = difflib.get_close_matches(model, known, 1)
            advice = f"did you mean {near[0]}?" if near else "correct the name"
            problems.append(f"slo.{model}: no such model (has: {', '.join(known)}); {advice}")
    if problems:
        raise ExperimentError(*problems)


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
