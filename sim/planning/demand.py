"""What a plan must serve: each model with its rate and objective."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from isim.building.experiment_keys import ExperimentKeys
from isim.building.inputs import Inputs
from isim.building.objectives import own_slo
from isim.errors import ExperimentError
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream


class Demand(NamedTuple):
    """A model, how often it is asked for, and how soon it must answer."""

    model: str
    rate_rps: float
    slo_s: float


def demands(experiment: ExperimentKeys, inputs: Inputs) -> list[Demand]:
    """Return what each model of an experiment is asked for, in the mean; samples count, where requests hold several.

    Raises
    ------
    ExperimentError
        The rate is not known before the run, or a model has no objective; all problems at once.

    Examples
    --------
    >>> from isim.building.inputs import load_inputs
    >>> arrivals = {"rate": "90rps", "duration": "1s", "models": {"resnet50": 2, "vgg19": 1}}
    >>> experiment = ExperimentKeys(arrivals=arrivals, slo="50ms")
    >>> demands(experiment, load_inputs(experiment))[0]
    Demand(model='resnet50', rate_rps=60.0, slo_s=0.05)
    """
    trace = inputs.trace if experiment.trace is not None else None
    rates_rps = _rates_of_trace_rps(trace) if trace is not None else _rates_rps(experiment, inputs)
    problems = []
    if experiment.then or not rates_rps:
        found = "then" if experiment.then else "clients" if experiment.clients else "a trace of one moment"
        found = "a scenario of MLPerf" if inputs.scenario is not None else found
        problems.append(
            f"plan: the rate of each model must be known before the run (found {found}); give --rate and --models, or "
            "a trace that lasts"
        )
    own = {} if trace is None else own_slo(trace)
    slo_s: dict[str, float] = {}
    for model in inputs.models:
        of_all = experiment.slo_s.get(model, experiment.slo_s.get("*"))
        found_s = [each for each in (own.get(model, {}).get("least_s"), of_all) if each is not None]
        if found_s:
            slo_s[model] = min(found_s)
    if without := [model for model in inputs.models if model not in slo_s]:
        problems.append(
            f"plan: no objective (found none of {', '.join(without)}); give --slo 50ms, or --slo {without[0]}=50ms"
        )
    if problems:
        raise ExperimentError(*problems)
    return [Demand(model, rates_rps[model], slo_s[model]) for model in inputs.models]


def _rates_rps(experiment: ExperimentKeys, inputs: Inputs) -> Mapping[str, float]:
    arrivals = experiment.arrivals
    if arrivals is None or inputs.scenario is not None:
        return {}
    rates_rps: dict[str, float] = {}
    for sender in [arrivals] if arrivals.tenants is None else arrivals.tenants.values():
        weights = sender.models or arrivals.models or dict.fromkeys(inputs.models, 1.0)
        for model, weight in weights.items():
            rate_rps = (sender.rate_rps or 0.0) * weight / sum(weights.values())
            rates_rps[model] = rates_rps.get(model, 0.0) + rate_rps
    return rates_rps


def _rates_of_trace_rps(trace: Trace | TraceStream) -> Mapping[str, float]:
    samples: dict[str, int] = {}
    tables: Iterable[pa.Table] = [trace.table] if isinstance(trace, Trace) else trace
    for table in tables:
        held = table.select(["model"]).append_column("samples", _samples(table))
        for found in held.group_by("model").aggregate([("samples", "sum")]).to_pylist():
            samples[found["model"]] = samples.get(found["model"], 0) + found["samples_sum"]
    lasting_s = int(trace.footer["duration_ns"]) / 1e9
    return {model: count / lasting_s for model, count in samples.items()} if lasting_s else {}


def _samples(table: pa.Table) -> Any:
    if "batch" not in table.column_names:
        return pa.array(np.ones(len(table), np.int64))
    whole: Any = table["batch"]
    return whole.fill_null(1)
