"""Make a trace: arrival processes of models and tenants, merged."""

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.generators.process import ArrivalProcess, Arrivals, Coordinated
from isim.traces.generators.registry import make_process
from isim.traces.schema import MOST_REQUESTS
from isim.traces.streams import stream
from isim.traces.trace import Trace

VERSION = "1"
"""Changes whenever the same parameters and seed give other arrivals."""

Bursts = Literal["own", "shared"]


class Tenant(NamedTuple):
    """Who sends requests, how many and to which models.

    Examples
    --------
    >>> Tenant("web", "poisson", 100, {"bert": 1}).bursts
    'own'
    """

    name: str
    """In the trace's column `tenant`; may be empty if there is only one."""
    process: str
    """A spec, such as `gamma:cv=4`."""
    rate_rps: float
    """Long-run mean of all models together, in requests per second."""
    models: Mapping[str, float]
    """Names and weights > 0."""
    bursts: Bursts = "own"
    """Whether each model draws arrivals of its own, or each request of one common stream draws its model."""


def make_trace(
    process: str,
    *,
    rate_rps: float,
    duration_ns: int,
    models: Mapping[str, float],
    seed: int,
    bursts: Bursts = "own",
    tenant: str = "",
) -> Trace:
    """Make a trace of one arrival process, its rate divided among models by weight.

    Each model draws from its own stream, found by its name: adding a model leaves the arrivals of the others alone
    as long as their rates stay the same.

    Parameters
    ----------
    process
        A name with parameters, such as `gamma:cv=4`, or `path/to/file.py:Class`.
    rate_rps
        Long-run mean of all models together, in requests per second.
    duration_ns
        How long, in ns.
    models
        Names and weights > 0.
    bursts
        `own`: models burst independently of each other. `shared`: they burst together; requests of one stream draw
        their model by weight.
    tenant
        Who sends the requests; a column of that name is left out if empty.

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
    return superpose([Tenant(tenant, process, rate_rps, models, bursts)], duration_ns=duration_ns, seed=seed)


def superpose(tenants: Sequence[Tenant], *, duration_ns: int, seed: int) -> Trace:
    """Make a trace of what several tenants send, each by a process of its own; their rates add up.

    Parameters
    ----------
    tenants
        Of different names.
    duration_ns
        How long, in ns.

    Raises
    ------
    TraceError
        Anything is wrong with a tenant, or no request would arrive, or too many; all problems at once.

    Examples
    --------
    >>> web = Tenant("web", "diurnal:period=10s", 100, {"bert": 1})
    >>> night = Tenant("night", "batch-poisson:size=20", 50, {"bert": 1, "resnet50": 1})
    >>> superpose([web, night], duration_ns=10**10, seed=1).table["tenant"].value_counts().to_pylist()
    [{'values': 'web', 'counts': 961}, {'values': 'night', 'counts': 451}]
    """
    processes, problems = [], list(_load_problems(tenants, duration_ns, seed))
    for tenant in tenants:
        try:
            processes.append(make_process(tenant.process))
        except TraceError as error:
            problems += error.problems
    if problems:
        raise TraceError(*problems)
    streams: list[tuple[str, str, Arrivals]] = []
    for tenant, process in zip(tenants, processes, strict=True):
        streams += ((model, tenant.name, times) for model, times in _streams(tenant, process, duration_ns, seed))
    streams.sort(key=lambda entry: entry[:2])  # simultaneous requests follow the names, however they were listed
    merged = np.concatenate([times for *_, times in streams])
    if not len(merged):
        expected = sum(tenant.rate_rps for tenant in tenants) * (duration_ns / 1e9)
        raise TraceError(f"trace: no request arrives (expected: {expected:.3g}); raise the rate or the duration")
    order = np.argsort(merged, kind="stable") if len(streams) > 1 else np.arange(len(merged))
    counts = [len(times) for *_, times in streams]

    def column(names: list[str]) -> Any:
        known = sorted(set(names))
        codes = np.repeat(np.array([known.index(name) for name in names], dtype=np.int32), counts)
        return pa.DictionaryArray.from_arrays(codes[order], pa.array(known))

    named = any(tenant.name for tenant in tenants)
    return Trace.from_columns(
        arrival_ns=merged[order],
        model=column([model for model, *_ in streams]),
        duration_ns=duration_ns,
        footer={"generator": _generator(tenants, processes, duration_ns, seed)},
        **({"tenant": column([name for _, name, _ in streams])} if named else {}),
    )


def _streams(tenant: Tenant, process: ArrivalProcess, duration_ns: int, seed: int) -> Iterator[tuple[str, Arrivals]]:
    """Yield the arrivals of each model of a tenant."""
    names = sorted(tenant.models)
    whole = math.fsum(tenant.models.values())
    # One tenant draws the same whether it has a name or not.
    source = ("arrivals", tenant.name) if tenant.name else ("arrivals",)
    if tenant.bursts == "shared":
        times = _drawn(tenant.process, process, stream(seed, *source), tenant.rate_rps, duration_ns)
        ends = np.cumsum([tenant.models[name] / whole for name in names])
        drawn = np.searchsorted(ends[:-1], stream(seed, "models", *source).random(len(times)), side="right")
        yield from ((name, times[drawn == code]) for code, name in enumerate(names))
        return
    rates_rps = {name: tenant.rate_rps * tenant.models[name] / whole for name in names}
    own = process.for_models(rates_rps) if isinstance(process, Coordinated) else dict.fromkeys(names, process)
    for name, rate_rps in rates_rps.items():
        yield name, _drawn(tenant.process, own[name], stream(seed, *source, name), rate_rps, duration_ns)


def _drawn(spec: str, process: ArrivalProcess, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
    """Return what a process draws, which may be anything if it is a user's own."""
    times = process.arrivals_ns(rng, rate_rps, duration_ns)
    problem = None
    if not (isinstance(times, np.ndarray) and times.dtype == np.int64 and times.ndim == 1):
        problem = f"not an array of int64 (found {getattr(times, 'dtype', type(times).__name__)})"
    elif (falls := times[1:] < times[:-1]).any():
        problem = f"not ascending (found {times[int(falls.argmax()) + 1]} after {times[int(falls.argmax())]})"
    elif len(times) and not (times[0] >= 0 and times[-1] < duration_ns):
        problem = f"not all within 0 to {duration_ns} ns (found {times[0]} to {times[-1]})"
    if problem:
        raise TraceError(f"arrival process {spec}: its arrivals are {problem}; correct the class")
    return times


def _generator(
    tenants: Sequence[Tenant], processes: Sequence[ArrivalProcess], duration_ns: int, seed: int
) -> dict[str, Any]:
    """Return the part of the footer that says how the trace was made."""
    loads = [_load(tenant, process) for tenant, process in zip(tenants, processes, strict=True)]
    name, params = ("superposition", {"tenants": loads}) if len(loads) > 1 else (loads[0].pop("process"), loads[0])
    return {"name": name, "params": {**params, "duration_ns": duration_ns}, "seed": seed, "version": VERSION}


def _load(tenant: Tenant, process: ArrivalProcess) -> dict[str, Any]:
    stored = {name: getattr(process, name, None) for name in inspect.signature(type(process)).parameters}
    return {
        "process": tenant.process,
        "rate_rps": tenant.rate_rps,
        "models": {name: tenant.models[name] for name in sorted(tenant.models)},
        "bursts": tenant.bursts,
        "parameters": {
            # A user's own class may store anything.
            name: value if isinstance(value, str | int | float | tuple | None) else repr(value)
            for name, value in stored.items()
        },
        **({"tenant": tenant.name} if tenant.name else {}),
    }


def _load_problems(tenants: Sequence[Tenant], duration_ns: int, seed: int) -> Iterator[str]:
    if not tenants:
        yield "trace: nobody sends requests; name at least one tenant"
    names = [tenant.name for tenant in tenants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"trace: two tenants of one name (found {', '.join(map(repr, twice))}); give each a name of its own"
    for tenant in tenants:
        where = f"trace: tenant {tenant.name}" if len(tenants) > 1 else "trace"
        if not tenant.models:
            yield f"{where}: no models; name at least one"
        if math.isinf(sum(tenant.models.values())) and not any(map(math.isinf, tenant.models.values())):
            yield f"{where}: the weights add up to no finite number; make them smaller"
        for model, weight in tenant.models.items():
            if not 0 < weight < math.inf:
                yield f"{where}: the weight of {model!r} must be > 0 and finite (found {weight:g}); correct it"
        if tenant.bursts not in ("own", "shared"):
            yield f"{where}: bursts are 'own' or 'shared' (found {tenant.bursts!r}); choose one"
        if not 0 < tenant.rate_rps < math.inf:
            yield f"{where}: the rate must be > 0 and finite (found {tenant.rate_rps:g} rps); correct it"
    if seed < 0:
        yield f"trace: the seed must be >= 0 (found {seed}); choose another"
    if duration_ns <= 0:
        yield f"trace: the duration must be > 0 (found {duration_ns} ns); raise it"
    expected = sum(tenant.rate_rps for tenant in tenants) * (duration_ns / 1e9)
    if MOST_REQUESTS < expected < math.inf:
        yield f"trace: {expected:.3g} requests are too many (at most 2^31); lower the rate or the duration"
