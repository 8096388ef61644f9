"""Waiting times against closed forms: each mean must lie in the confidence band of independent replications."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from worlds import kernel, profile_of, simulate

from isim.contention.fair import Fair
from isim.contention.none import NoContention
from isim.policies.fcfs import Fcfs
from isim.policies.greedy import Greedy
from isim.policies.policy import Policy
from isim.traces.trace import Trace
from isim.workload import Replay

REPLICATIONS = 10
WARM_UP = 0.1
# The suite holds 17 such comparisons; at this level the chance that any fails by luck is 17 in 10,000 for fresh seeds.
LEVEL = 0.9999


def poisson_trace(rate_rps: float, count: int, seed: int, models: dict[str, float]) -> Trace:
    rng = np.random.default_rng(seed)
    arrival_ns = np.cumsum(rng.exponential(1e9 / rate_rps, count)).astype(np.int64)
    return Trace.from_columns(arrival_ns=arrival_ns, model=rng.choice(list(models), count, p=list(models.values())))


def band(samples: list[float]) -> tuple[float, float]:
    mean, error = float(np.mean(samples)), float(stats.sem(samples))
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(samples) - 1)) * error
    return mean - half, mean + half


def means(measure: Callable[[int], float], at_most_wide: float) -> tuple[float, float]:
    """Return the band of a measure over replications; it must be narrow enough to mean something."""
    low, high = band([measure(seed) for seed in range(REPLICATIONS)])
    assert (high - low) / 2 < at_most_wide * (high + low) / 2
    return low, high


def mean_wait_s(trace: Trace, durations_ms: dict[str, float], policy: Policy) -> float:
    profile = profile_of({(model, 1): [kernel(int(ms * 1e6))] for model, ms in durations_ms.items()})
    log, _ = simulate(profile, Replay(trace), policy, NoContention())
    waits_s = [batch.dispatched_s - batch.requests[0].arrived_s for batch in log.batches]
    return float(np.mean(waits_s[int(WARM_UP * len(waits_s)) :]))


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_md1_waiting_time(load):
    service_s = 0.001
    low, high = means(
        lambda seed: mean_wait_s(poisson_trace(load / service_s, 12_000, seed, {"a": 1.0}), {"a": 1.0}, Fcfs()), 0.25
    )
    assert low <= load * service_s / (2 * (1 - load)) <= high


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_mg1_waiting_time(load):
    """Pollaczek-Khinchine with two classes, 1 ms and 6 ms, one request in five long."""
    durations_ms, shares = {"short": 1.0, "long": 6.0}, {"short": 0.8, "long": 0.2}
    mean_s = sum(shares[m] * durations_ms[m] for m in shares) / 1e3
    square_s2 = sum(shares[m] * durations_ms[m] ** 2 for m in shares) / 1e6
    rate_rps = load / mean_s
    low, high = means(
        lambda seed: mean_wait_s(poisson_trace(rate_rps, 12_000, 100 + seed, shares), durations_ms, Fcfs()), 0.4
    )
    assert low <= rate_rps * square_s2 / (2 * (1 - load)) <= high


def greedy_bound(a: float, t0: float, rate: float) -> float:
    """Bound the mean latency: Inoue, Queueing analysis of GPU-based inference servers with dynamic batching, 2021."""
    rho = rate * a
    first = (a + t0) / (2 * (1 - rho)) * (1 + 2 * rate * t0 + (1 - rate * t0) / (1 + rho))
    second = 1.5 * t0 / (1 - rho) + a / 2 * (rho + 2) / (1 - rho**2)
    return min(first, second)


@pytest.mark.parametrize(
    ("a_ms", "t0_ms", "load", "known_ms", "largest"),
    [
        (1.0, 5.0, 0.5, 16.63, 80),
        (0.1438, 1.8874, 0.7, 9.774, 300),
        (1.0, 5.0, 0.9, 81.5, 400),
    ],
)
def test_greedy_batching(a_ms, t0_ms, load, known_ms, largest):
    profile = profile_of({("a", b): [kernel(round((a_ms * b + t0_ms) * 1e6))] for b in range(1, largest + 1)})
    rate_per_ms = load / a_ms

    def mean_latency_ms(seed: int) -> float:
        trace = poisson_trace(rate_per_ms * 1e3, 15_000, 200 + seed, {"a": 1.0})
        log, _ = simulate(profile, Replay(trace), Greedy(), NoContention())
        assert max(len(batch.requests) for batch in log.batches) < largest  # the formula knows no largest batch
        latency_s = [b.finished_s - r.arrived_s for b in log.batches for r in b.requests]
        return 1e3 * float(np.mean(latency_s[int(WARM_UP * len(latency_s)) :]))

    low, high = means(mean_latency_ms, 0.25)
    assert low <= known_ms * 1.005 and known_ms * 0.995 <= high  # the value is a simulation's, to four digits at best
    assert low <= greedy_bound(a_ms, t0_ms, rate_per_ms)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_processor_sharing(load):
    """Kernels that each need all of one resource share it equally: E[T | x] = x / (1 - load), whatever the law of x."""
    durations_ms, shares = {"short": 1.0, "long": 5.0}, {"short": 0.75, "long": 0.25}
    rate_rps = load / sum(shares[m] * durations_ms[m] for m in shares) * 1e3
    profile = profile_of({(m, 1): [kernel(int(ms * 1e6), sm=1.0, memory=0.0)] for m, ms in durations_ms.items()})
    stretch: dict[str, list[float]] = {model: [] for model in shares}
    for seed in range(REPLICATIONS):
        trace = poisson_trace(rate_rps, 8_000, 300 + seed, shares)
        log, _ = simulate(profile, Replay(trace), Fcfs(), Fair(), slots=400)
        batches = log.batches[int(WARM_UP * len(log.batches)) :]
        for model, samples in stretch.items():
            samples.append(float(np.mean([b.slowdown for b in batches if b.model == model])))
    for samples in stretch.values():
        low, high = band(samples)
        assert (high - low) / 2 < 0.2 / (1 - load)
        assert low <= 1 / (1 - load) <= high


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_utilisation_law(load):
    """Busy share = rate x mean service time, from the recorded overlaps alone."""
    service_s = 0.002
    profile = profile_of({("a", 1): [kernel(1_000_000, gap_ns=1_000_000)]})

    def busy_share(seed: int) -> float:
        trace = poisson_trace(load / service_s, 6_000, 400 + seed, {"a": 1.0})
        log, ending = simulate(profile, Replay(trace), Fcfs(), NoContention())
        return sum(o.finish_s - o.start_s for o in log.overlaps) / ending.end_s

    low, high = means(busy_share, 0.1)
    assert low <= load <= high


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_little_law(load):
    """Residents averaged over time (from overlaps) = finished batches a second x their mean time on the GPU."""
    profile = profile_of({("a", 1): [kernel(1_000_000, sm=0.7, memory=0.1)] * 2})
    trace = poisson_trace(load * 500 * 1.4, 4_000, 500, {"a": 1.0})
    log, ending = simulate(profile, Replay(trace), Fcfs(), Fair(), slots=3)
    residents = sum((o.finish_s - o.start_s) * len(o.batch_ids) for o in log.overlaps) / ending.end_s
    rate, stay_s = len(log.batches) / ending.end_s, float(np.mean([b.duration_s for b in log.batches]))
    assert residents == pytest.approx(rate * stay_s, rel=1e-9)
