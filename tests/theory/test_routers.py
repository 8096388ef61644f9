"""Latencies behind a router against closed forms, in the confidence band of independent replications.

Service times are exponential by the `work` of each request, mean 1 ms; GPUs hold one batch and serve first come, first
served; the load is that of each GPU.
"""

import numpy as np
import pytest
from scipy.optimize import brentq
from test_queues import REPLICATIONS, WARM_UP, band
from worlds import kernel, profile_of, simulate

from isim.contention.none import NoContention
from isim.engine.routing import Routing
from isim.engine.surroundings import Served
from isim.operations import Operations
from isim.policies.fcfs import Fcfs
from isim.policies.routers.registry import make_router
from isim.traces.trace import Trace
from isim.workload import Replay

PROFILE = profile_of({("a", 1): [kernel(1_000_000)]})


def mean_latency_ms(spec: str, gpus: int, load: float, count: int, seed: int, exponential: bool = True) -> float:
    rng = np.random.default_rng(seed)
    arrival_ns = np.cumsum(rng.exponential(1e6 / (gpus * load), count)).astype(np.int64)
    work = rng.exponential(1.0, count).astype(np.float32) if exponential else np.ones(count, np.float32)
    trace = Trace.from_columns(arrival_ns=arrival_ns, model=["a"] * count, work=np.maximum(work, 1e-6))
    operations = Operations(PROFILE, ["a"])
    log, _ = simulate(
        PROFILE, Replay(trace), Fcfs(), NoContention(),
        further=[Served(operations, Fcfs()) for _ in range(gpus - 1)], routing=Routing(make_router(spec, seed), spec),
    )  # fmt: skip
    latency_s = np.empty(count)
    for batch in log.batches:
        latency_s[batch.requests[0].request_id] = batch.finished_s - batch.requests[0].arrived_s
    return 1e3 * float(np.mean(latency_s[int(WARM_UP * count) :]))


def interval(
    spec: str, gpus: int, load: float, count: int, first_seed: int, exponential: bool = True
) -> tuple[float, float]:
    seeds = range(first_seed, first_seed + REPLICATIONS)
    low, high = band([mean_latency_ms(spec, gpus, load, count, seed, exponential) for seed in seeds])
    assert (high - low) / 2 < 0.15 * (high + low) / 2  # narrow enough to mean something
    return low, high


@pytest.mark.parametrize("load", [0.4, 0.7])
def test_a_random_split_gives_independent_md1(load: float) -> None:
    low, high = interval("power-of-two:choices=1", 4, load, 10_000, 1000, exponential=False)
    assert low <= 1 + load / (2 * (1 - load)) <= high


@pytest.mark.parametrize("load", [0.4, 0.7])
def test_a_random_split_gives_independent_mm1(load: float) -> None:
    low, high = interval("power-of-two:choices=1", 4, load, 10_000, 1100)
    assert low <= 1 / (1 - load) <= high


@pytest.mark.parametrize("load", [0.5, 0.7])
def test_turns_give_erlang_arrivals(load: float) -> None:
    """Every c-th arrival of a Poisson process: E_c/M/1, whose wait is that of GI/M/1."""
    gpus = 3
    sigma = brentq(lambda x: (gpus * load / (gpus * load + 1 - x)) ** gpus - x, 1e-9, 1 - 1e-9 - (1 - load) / 4)
    low, high = interval("round-robin", gpus, load, 10_000, 1200)
    assert low <= 1 / (1 - sigma) <= high


def power_of_two_ms(load: float) -> float:
    """Return the mean latency in the limit of many GPUs: Mitzenmacher 2001, sum of load^(2^i - 2)."""
    return sum(load ** (2**i - 2) for i in range(1, 12))


def test_power_of_two_choices_comes_to_its_limit() -> None:
    """The mean of a finite fleet lies above it by O(1 / N): Gast and Van Houdt, A refined mean field approximation."""
    load, gpus = 0.7, 64
    low, high = interval("power-of-two", gpus, load, 30_000, 1400)
    assert low <= power_of_two_ms(load) * (1 + 1 / gpus) and power_of_two_ms(load) <= high
    assert high < 0.6 / (1 - load)  # far from a random split


@pytest.mark.parametrize("spec", ["join-shortest-queue", "power-of-two"])
def test_looking_at_queues_lies_between_one_queue_for_all_and_a_random_split(spec: str) -> None:
    """One queue for all is M/M/c, Erlang C: no router that must decide at arrivals can be as good."""
    gpus, load = 4, 0.7
    offered = gpus * load
    terms = [offered**k / float(np.prod(range(1, k + 1))) for k in range(gpus + 1)]
    waits = terms[gpus] / (1 - load)
    erlang_c = waits / (sum(terms[:gpus]) + waits)
    low, high = interval(spec, gpus, load, 10_000, 1500)
    assert 1 + erlang_c / (gpus - offered) < low and high < 1 / (1 - load)
