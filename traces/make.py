"""Make a trace: one arrival process per model, merged."""

import inspect
import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.generators.constant import constant
from isim.traces.generators.gamma import gamma
from isim.traces.generators.poisson import poisson
from isim.traces.streams import stream
from isim.traces.trace import Trace

PROCESSES: Mapping[str, Callable[..., npt.NDArray[np.int64]]] = {
    "constant": constant,
    "gamma": gamma,
    "poisson": poisson,
}
VERSION = "1"
"""Changes whenever the same parameters and seed give other arrivals."""
_MOST_REQUESTS = 2**31


def make_trace(
    process: str, *, rate_rps: float, duration_ns: int, models: Mapping[str, float], seed: int, **parameters: float
) -> Trace:
    """Make a trace of one arrival process, its rate divided among models by weight.

    Each model draws from its own stream, found by its name: adding a model leaves the arrivals of the others alone
    as long as their rates stay the same.

    Parameters
    ----------
    process
        One of `PROCESSES`.
    rate_rps
        Long-run mean of all models together, in requests per second.
    duration_ns
        How long, in ns.
    models
        Names and weights > 0.
    parameters
        Of the process, such as `cv`.

    Raises
    ------
    TraceError
        A parameter is unknown, missing or out of range, or no request would arrive, or too many; all at once.

    Examples
    --------
    >>> trace = make_trace("poisson", rate_rps=200, duration_ns=10**10, models={"resnet50": 3, "bert": 1}, seed=1)
    >>> len(trace), trace.models
    (1950, ('bert', 'resnet50'))
    """
    problems = [*_process_problems(process, parameters), *_load_problems(rate_rps, duration_ns, models, seed)]
    if problems:
        raise TraceError(*(f"trace: {problem}" for problem in problems))
    names = sorted(models)  # simultaneous requests follow the names, however the models were listed
    whole = math.fsum(models.values())
    arrivals = [
        PROCESSES[process](stream(seed, "arrivals", name), rate_rps * models[name] / whole, duration_ns, **parameters)
        for name in names
    ]
    merged = np.concatenate(arrivals)
    if not len(merged):
        expected = rate_rps * duration_ns / 1e9
        raise TraceError(f"trace: no request arrives (expected: {expected:.3g}); raise the rate or the duration")
    order = np.argsort(merged, kind="stable")
    codes = np.repeat(np.arange(len(names), dtype=np.int32), [len(times) for times in arrivals])
    weights = {name: models[name] for name in names}
    params = {"rate_rps": rate_rps, "duration_ns": duration_ns, "models": weights, **parameters}
    return Trace.from_columns(
        arrival_ns=merged[order],
        model=pa.DictionaryArray.from_arrays(codes[order], pa.array(names)),
        duration_ns=duration_ns,
        footer={"generator": {"name": process, "params": params, "seed": seed, "version": VERSION}},
    )


def _process_problems(process: str, parameters: Mapping[str, float]) -> list[str]:
    if process not in PROCESSES:
        return [f"no arrival process {process!r}; choose one of {', '.join(PROCESSES)}"]
    takes = [
        name
        for name, parameter in inspect.signature(PROCESSES[process]).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    problems = [f"{process} has no {name}; leave it out" for name in parameters if name not in takes]
    problems += [f"{process} needs its {name}; give it, such as {name}=4" for name in takes if name not in parameters]
    cv = parameters.get("cv", 1.0)
    if not 0 < cv <= 100:  # far below 1 nothing would differ from 'constant'; above 100 a gap outlasts any trace
        problems.append(f"cv must be > 0 and at most 100 (found {cv:g}); choose 'constant' for equal gaps")
    return problems


def _load_problems(rate_rps: float, duration_ns: int, models: Mapping[str, float], seed: int) -> list[str]:
    problems = []
    if not models:
        problems.append("no models; name at least one")
    for name, weight in models.items():
        if not 0 < weight < math.inf:
            problems.append(f"the weight of {name!r} must be > 0 and finite (found {weight:g}); correct it")
    if seed < 0:
        problems.append(f"the seed must be >= 0 (found {seed}); choose another")
    expected = rate_rps * duration_ns / 1e9
    if not (0 < rate_rps < math.inf and duration_ns > 0):
        problems.append(f"rate and duration must be > 0 (found {rate_rps:g} rps, {duration_ns} ns); raise them")
    elif expected > _MOST_REQUESTS:
        problems.append(f"{expected:.3g} requests are too many (at most 2^31); lower the rate or the duration")
    return problems
