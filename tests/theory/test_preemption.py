"""Preemptive priorities against closed forms: the urgent see only themselves, the others a known completion time."""

import math

import numpy as np
import pytest
from test_queues import WARM_UP, means
from worlds import kernel, profile_of, simulate

from isim.contention.none import NoContention
from isim.engine.batch import Batch
from isim.policies.fcfs import Fcfs
from isim.policies.reef import Reef
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay

URGENT_S, OTHER_S = 0.001, 0.004
FREE = Sharing(preemption_s=0.0)


def trace_of(urgent_rps: float, other_rps: float, other_count: int, seed: int) -> Trace:
    rng = np.random.default_rng(seed)
    other_ns = np.cumsum(rng.exponential(1e9 / other_rps, other_count))
    urgent_ns = np.cumsum(rng.exponential(1e9 / urgent_rps, int(1.2 * other_count * urgent_rps / other_rps)))
    urgent_ns = urgent_ns[urgent_ns < other_ns[-1]]
    arrival_ns = np.concatenate([urgent_ns, other_ns]).astype(np.int64)
    order = np.argsort(arrival_ns, kind="stable")
    urgent = np.repeat([1, 0], [len(urgent_ns), len(other_ns)])[order]
    return Trace.from_columns(
        arrival_ns=arrival_ns[order], model=np.where(urgent, "urgent", "other"), priority=urgent.astype(np.int16)
    )


def latencies_s(trace: Trace, kernels: int, model: str, sharing: Sharing = FREE) -> list[float]:
    """Return the latencies of a model's requests in order of arrival; a batch of the others has so many kernels."""
    profile = profile_of(
        {
            ("urgent", 1): [kernel(int(URGENT_S * 1e9))],
            ("other", 1): [kernel(int(OTHER_S * 1e9) // kernels)] * kernels,
        }
    )
    log, ending = simulate(profile, Replay(trace), Reef(), NoContention(), sharing=sharing)
    assert ending.unfinished == 0
    found = {
        request.request_id: how.finished_s - request.arrived_s
        for request, how in log.ends
        if isinstance(how, Batch) and request.model == model
    }
    return [found[request_id] for request_id in sorted(found)]


def other_latency_s(urgent_rps: float, other_rps: float, kernels: float) -> float:
    """Return the mean latency below preemptive priorities, where a kernel that is preempted starts again.

    Completion times (first start to finish, the urgent served in between included) of kernels of a fixed duration are
    independent; each attempt is cut off by an exponential law, and costs a busy period of the urgent. The queue of the
    others is then M/G/1 with these service times and, where none of them was there, a delay for what is left of a busy
    period. Conway, Maxwell and Miller, Theory of Scheduling, 1967, section 8-6.
    """
    load = urgent_rps * URGENT_S
    busy, busy2 = URGENT_S / (1 - load), URGENT_S**2 / (1 - load) ** 3  # moments of M/D/1
    x = OTHER_S / kernels
    failures = math.expm1(urgent_rps * x)  # attempts that are cut off: geometric
    variance = failures * (1 + failures)
    cut = 1 / urgent_rps - x / failures
    cut2 = 2 / urgent_rps**2 - (x**2 + 2 * x / urgent_rps) / failures
    lost, lost_variance = cut + busy, cut2 - cut**2 + busy2 - busy**2
    mean = kernels * (x + failures * lost)
    square = kernels * (failures * lost_variance + variance * lost**2) + mean**2
    # Whoever finds none of its own does so an exponential time after one left, when there was no urgent request either.
    ends = 1.0  # the chance that a busy period ends before the next of the others arrives
    for _ in range(200):
        ends = math.exp(-(other_rps + urgent_rps * (1 - ends)) * URGENT_S)
    first = urgent_rps / (urgent_rps + other_rps)
    delay = first / (1 - first * ends) * (busy - (1 - ends) / other_rps)
    delay2 = first / (1 - first * ends) * (busy2 - 2 * busy / other_rps + 2 * (1 - ends) / other_rps**2)
    waiting = other_rps * square / (2 * (1 - other_rps * mean))
    waiting += (2 * delay + other_rps * delay2) / (2 * (1 + other_rps * delay))
    return mean + waiting


def test_the_closed_form_becomes_that_of_resumption() -> None:
    """Of ever shorter kernels nothing is lost: Cobham's formula for preemptive-resume priorities."""
    urgent_rps, other_rps = 300.0, 75.0
    one, both = urgent_rps * URGENT_S, urgent_rps * URGENT_S + other_rps * OTHER_S
    residual_s = (urgent_rps * URGENT_S**2 + other_rps * OTHER_S**2) / 2
    resume_s = OTHER_S / (1 - one) + residual_s / ((1 - one) * (1 - both))
    assert other_latency_s(urgent_rps, other_rps, 1e4) == pytest.approx(resume_s, rel=1e-4)


@pytest.mark.parametrize("kernels", [1, 20])
def test_the_others_wait_as_the_closed_form_says(kernels: int) -> None:
    urgent_rps, other_rps = 200.0, 60.0

    def mean_s(seed: int) -> float:
        found = latencies_s(trace_of(urgent_rps, other_rps, 2_500, 900 + seed), kernels, "other")
        return float(np.mean(found[int(WARM_UP * len(found)) :]))

    low, high = means(mean_s, 0.25)
    assert low <= other_latency_s(urgent_rps, other_rps, kernels) <= high


@pytest.mark.parametrize("kernels", [1, 20])
def test_urgent_requests_are_served_as_if_there_were_no_others(kernels: int) -> None:
    trace = trace_of(300.0, 75.0, 1_500, 7)
    table = trace.table
    alone = Trace.from_columns(
        arrival_ns=table.filter(table["priority"].to_numpy() > 0)["arrival_ns"].to_numpy(),
        model=["urgent"] * int((table["priority"].to_numpy() > 0).sum()),
    )
    profile = profile_of({("urgent", 1): [kernel(int(URGENT_S * 1e9))]})
    log, _ = simulate(profile, Replay(alone), Fcfs(), NoContention())
    expected_s = [batch.finished_s - batch.requests[0].arrived_s for batch in log.batches]
    assert latencies_s(trace, kernels, "urgent") == pytest.approx(expected_s, abs=1e-11)
