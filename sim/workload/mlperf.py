"""The four scenarios of MLPerf Inference as sources of requests."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from isim.errors import TraceError
from isim.traces.generators.parameters import check_parameters
from isim.traces.make import make_trace
from isim.traces.trace import Trace
from isim.workload.closed_loop import Client, ClosedLoop
from isim.workload.contract import Workload
from isim.workload.replay import Replay

SERVER_BOUND_S: Mapping[str, float] = {
    "resnet50": 0.015,
    "retinanet": 0.1,
    "bert": 0.13,
    "dlrm-v2": 0.06,
    "rnnt": 1.0,
    "gptj": 20.0,
    "stable-diffusion-xl": 20.0,
}
"""Latency that 99 % of the requests of the Server scenario must keep; 10 ms for models not named."""


class Load(NamedTuple):
    """What an experiment says of the requests of a scenario."""

    models: Sequence[str]
    rate_rps: float | None
    duration_s: float
    slo_s: Mapping[str, float]
    seed: int


@runtime_checkable
class Scenario(Protocol):
    """A source of requests that only a simulation can run, named as an arrival process is."""

    def workload(self, load: Load) -> Workload:
        """Return the source.

        Raises
        ------
        TraceError
            The load does not fit the scenario; all problems at once.
        """
        ...


class SingleStream:
    """Send one sample, and the next when the answer is there; report the 90th percentile of the latency.

    Parameters
    ----------
    queries
        How many at least; the duration (600 s if left out) must have passed, too.

    References
    ----------
    Reddi et al., MLPerf Inference Benchmark, ISCA 2020; mlperf.conf of LoadGen.
    """

    def __init__(self, queries: int = 1) -> None:
        check_parameters("mlperf-single-stream", queries=(queries, queries >= 1, "a whole number of at least 1"))
        self.queries = queries

    def workload(self, load: Load) -> Workload:
        """Return one client without think time."""
        model = _one_model("mlperf-single-stream", load, rate=False)
        return ClosedLoop([Client(model)], self.queries, load.slo_s, load.duration_s)


class MultiStream:
    """Send a query of several samples, and the next when all are answered; report the 99th percentile.

    A query is one request, so its latency is that of its last sample; the profile must hold its batch size.

    Parameters
    ----------
    samples
        In a query.
    queries
        How many at least; the duration (600 s if left out) must have passed, too.

    References
    ----------
    As of `SingleStream`.
    """

    def __init__(self, samples: int = 8, queries: int = 662) -> None:
        check_parameters(
            "mlperf-multi-stream",
            samples=(samples, samples >= 1, "a whole number of at least 1"),
            queries=(queries, queries >= 1, "a whole number of at least 1"),
        )
        self.samples = samples
        self.queries = queries

    def workload(self, load: Load) -> Workload:
        """Return one client without think time, its requests of several samples."""
        model = _one_model("mlperf-multi-stream", load, rate=False)
        return ClosedLoop([Client(model, self.samples)], self.queries, load.slo_s, load.duration_s)


class Server:
    """Send single samples at Poisson instants of a target rate; 99 % must keep the latency bound of the model.

    The bound becomes the objective of a model that has none: 15 ms for resnet50, 130 ms for bert, 10 ms otherwise.

    References
    ----------
    As of `SingleStream`.
    """

    def workload(self, load: Load) -> Workload:
        """Return a Poisson process at the rate of the load."""
        model = _one_model("mlperf-server", load, rate=True)
        assert load.rate_rps is not None
        trace = make_trace(
            "poisson",
            rate_rps=load.rate_rps,
            duration_ns=round(load.duration_s * 1e9),
            models={model: 1.0},
            seed=load.seed,
        )
        return Replay(trace, {"*": SERVER_BOUND_S.get(model, 0.01), **load.slo_s})


class Offline:
    """Send all samples at once; report samples per second.

    Every sample is a request of its own, so that the policy forms the batches.

    Parameters
    ----------
    samples
        How many.

    References
    ----------
    As of `SingleStream`.
    """

    def __init__(self, samples: int = 24_576) -> None:
        check_parameters("mlperf-offline", samples=(samples, samples >= 1, "a whole number of at least 1"))
        self.samples = samples

    def workload(self, load: Load) -> Workload:
        """Return so many requests at time 0."""
        model = _one_model("mlperf-offline", load, rate=False)
        trace = Trace.from_columns(arrival_ns=np.zeros(self.samples, dtype=np.int64), model=model)
        return Replay(trace, load.slo_s)


def _one_model(scenario: str, load: Load, rate: bool) -> str:
    """Return the one model of a load that a scenario takes with or without a rate."""
    problems = []
    if len(load.models) != 1:
        problems.append(f"arrivals: {scenario} is for one model (found {', '.join(load.models)}); name it with models")
    if rate and load.rate_rps is None:
        problems.append(f"arrivals: {scenario} needs a rate (found none); give its target, such as 200rps")
    if not rate and load.rate_rps is not None:
        problems.append(f"arrivals: {scenario} has no rate (found {load.rate_rps:g} rps); leave it out")
    if problems:
        raise TraceError(*problems)
    return load.models[0]
