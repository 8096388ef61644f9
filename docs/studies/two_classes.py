"""Urgent requests to one model among best-effort ones to another, and what becomes of both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from isim.experiment import Experiment
from isim.policies.gate import NoGate
from isim.policies.orion import Orion
from isim.profiler.profile import Profile
from isim.traces.streams import stream
from isim.traces.trace import Trace


class Pair(NamedTuple):
    """Two models; requests to the first one are urgent."""

    urgent: str
    best_effort: str


class UrgentFirst(Orion):
    """Orion without its rule: all kernels start, urgent ones on a stream of high priority."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = NoGate()  # type: ignore[assignment]


class Served(NamedTuple):
    """Latency of the urgent requests, and the part of the GPU's time by themselves that the others were served."""

    mean_s: float
    p99_s: float
    best_effort: float


def requests(profile: Profile, pair: Pair, load: float, seed: int, duration_s: float) -> tuple[Trace, Trace]:
    """Return Poisson arrivals of urgent requests, and the same among as many others as would fill the GPU.

    Urgent ones have priority 1, the others 0. The load is the part of the GPU's time that urgent ones need.
    """
    mean_ns = profile.solo_ns(pair.urgent, 1) / load
    many = int(2e9 * duration_s / mean_ns) + 100
    urgent_ns = np.cumsum(stream(seed, "urgent", pair.urgent).exponential(mean_ns, many)).astype(np.int64)
    urgent_ns = urgent_ns[urgent_ns < 1e9 * duration_s]
    others_ns = np.arange(0, 1e9 * duration_s, profile.solo_ns(pair.best_effort, 1)).astype(np.int64)
    times_ns, which = np.concatenate([urgent_ns, others_ns]), np.repeat([0, 1], [len(urgent_ns), len(others_ns)])
    order = np.argsort(times_ns, kind="stable")
    models = [pair[each] for each in which[order]]
    both = Trace.from_columns(arrival_ns=times_ns[order], model=models, priority=1 - which[order])
    return Trace.from_columns(arrival_ns=urgent_ns, model=pair.urgent), both


def serve_both(path: Path, trace: Trace, duration_s: float, pair: Pair, keys: Mapping[str, Any]) -> Served:
    """Serve until arrivals end: best-effort requests would go on for long.

    Parameters
    ----------
    path
        Of the profile; the trace is written beside it.
    keys
        Of the experiment: how both are served.
    """
    trace.write(file := path.with_name("trace.parquet"), force=True)
    own: dict[str, Any] = {"profile": str(path), "trace": str(file), "horizon": f"{duration_s!r}s"}
    run = Experiment(**own, **keys).run()
    models = run.description["summary"]["models"]
    urgent, others = models[pair.urgent], models.get(pair.best_effort, {"throughput_rps": 0.0})
    per_request_s = Profile.read(path).solo_ns(pair.best_effort, 1) / 1e9
    return Served(urgent["latency_mean_s"], urgent["latency_p99_s"], others["throughput_rps"] * per_request_s)
