"""MSER-5: where a planted transient ends, what overload looks like, and its definition written out."""

import numpy as np
import pytest

from isim.comparison.warm_up import WarmUp, mser, warm_up


def test_the_statistic_is_its_definition() -> None:
    values = np.random.default_rng(0).normal(1e6, 1.0, 41)
    expected = [sum((each - values[d:].mean()) ** 2 for each in values[d:]) / (len(values) - d) ** 2 for d in range(21)]
    assert mser(values) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("length", [200, 1000])
def test_a_transient_is_cut(length: int) -> None:
    rng = np.random.default_rng(length)
    latency_s = np.concatenate([np.linspace(50.0, 1.0, length), np.ones(4000)]) + rng.normal(0, 0.5, length + 4000)
    found = warm_up(np.arange(length + 4000.0), latency_s)
    assert found.steady
    # The last tenth of the slope is within the noise of a mean over five.
    assert 0.9 * length <= found.end_s <= 1.1 * length


def test_requests_are_taken_in_order_of_arrival() -> None:
    rng = np.random.default_rng(1)
    arrived_s = np.arange(1000.0)
    latency_s = np.concatenate([np.full(100, 20.0), rng.normal(1, 0.1, 900)])
    shuffled = rng.permutation(1000)
    assert warm_up(arrived_s[shuffled], latency_s[shuffled]) == warm_up(arrived_s, latency_s) == WarmUp(100.0, True)


def test_overload_has_no_steady_state() -> None:
    """Lindley's recursion at 130 % load; and at 50 %, where one exists, for each of many seeds."""
    steady = {1.3: 0, 0.5: 0}
    for load in steady:
        for seed in range(200):
            rng = np.random.default_rng(seed)
            steps = rng.exponential(1.0, 5000) - rng.exponential(1 / load, 5000)
            walk = np.cumsum(steps)
            wait_s = walk - np.minimum.accumulate(np.minimum(walk, 0.0))
            steady[load] += warm_up(np.arange(5000.0), wait_s).steady
    assert steady[1.3] <= 20
    assert steady[0.5] >= 180


@pytest.mark.parametrize("count", [0, 4, 49])
def test_of_few_requests_all_are_kept(count: int) -> None:
    assert warm_up(np.arange(float(count)), np.arange(float(count))) == WarmUp(0.0, True)
