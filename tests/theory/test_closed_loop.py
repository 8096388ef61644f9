"""The laws of closed loops: X = N / (R + Z), and the busy share with random thoughts and constant service."""

import math

import numpy as np
import pytest
from scipy import stats
from worlds import kernel, profile_of, simulate

from isim.contention.none import NoContention
from isim.policies.fcfs import Fcfs
from isim.workload import Client, ClosedLoop

SERVICE_S = 0.002
PROFILE = profile_of({("a", 1): [kernel(int(SERVICE_S * 1e9))]})
LEVEL = 1e-5
"""Of each of four comparisons: one in 25,000 runs fails by luck, with fresh seeds."""


@pytest.mark.parametrize(("clients", "think_s", "slots"), [(1, 0.0, 1), (1, 0.01, 1), (5, 0.004, 1), (8, 0.02, 3)])
def test_throughput_is_clients_over_response_and_think_time(clients, think_s, slots):
    """Over whole cycles of every client the law is an identity: time = requests x (response + think)."""
    each = 400
    loop = ClosedLoop([Client("a", think_s=think_s)] * clients, requests_per_client=each)
    log, ending = simulate(PROFILE, loop, Fcfs(), NoContention(), slots)
    assert len(log.ends) == clients * each
    response_s = np.mean([batch.finished_s - batch.requests[0].arrived_s for batch in log.batches])
    # A client's last cycle lacks its thought, and the clients end one after the other: both vanish as 1 / each.
    assert len(log.ends) / ending.end_s == pytest.approx(clients / (response_s + think_s), rel=4 / each)


@pytest.mark.parametrize(("clients", "think_s"), [(2, 0.004), (6, 0.01)])
def test_utilisation_with_random_thoughts_and_constant_service(clients, think_s):
    """M/D/1 with N sources: busy share from the embedded chain of how many arrive during a service."""

    def busy_share(seed: int) -> float:
        loop = ClosedLoop(
            [Client("a", think_s=think_s, think_law="exponential")] * clients, requests_per_client=4000, seed=seed
        )
        log, ending = simulate(PROFILE, loop, Fcfs(), NoContention())
        return len(log.batches) * SERVICE_S / ending.end_s

    samples = [busy_share(seed) for seed in range(10)]
    expected = finite_source_busy_share(clients, think_s)
    assert stats.ttest_1samp(samples, expected).pvalue > LEVEL
    assert stats.sem(samples) < 0.01 * expected


def finite_source_busy_share(clients: int, think_s: float) -> float:
    """Return the busy share when each of N sources thinks for an exponential time and service is constant.

    At ends of service j sources wait; while the next is served, each of the others arrives with probability
    1 - exp(-D/Z). If none waits, the server first idles for Z/N on average.
    """
    arrives = -math.expm1(-SERVICE_S / think_s)
    chain = np.zeros((clients, clients))  # how many wait just after an end: 0 .. N - 1
    for waiting in range(clients):
        served_from = max(waiting, 1)
        thinking = clients - served_from
        for new in range(thinking + 1):
            chain[waiting, served_from - 1 + new] += stats.binom.pmf(new, thinking, arrives)
    values, vectors = np.linalg.eig(chain.T)
    share = np.real(vectors[:, np.argmax(np.real(values))])
    share /= share.sum()
    return float(SERVICE_S / (SERVICE_S + share[0] * think_s / clients))


def test_thoughts_are_exponential_and_apart():
    loop = ClosedLoop([Client("a", think_s=0.01, think_law="exponential")] * 2, requests_per_client=3000, seed=5)
    thoughts = {0: [], 1: []}
    requests = dict(enumerate(loop.open()))
    for _ in range(2999):
        for index in thoughts:
            (following,) = loop.follow_up(requests[index], 1.0)
            thoughts[index].append(following.arrived_s - 1.0)
            requests[index] = following
    for sample in thoughts.values():
        assert stats.kstest(np.array(sample) / 0.01, "expon").pvalue > LEVEL
    assert thoughts[0] != thoughts[1]
