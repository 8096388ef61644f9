"""What a comparison says of M/M/1 queues, whose truth is known: how often it is right.

Waiting times follow Lindley's recursion, W_{n+1} = max(0, W_n + S_n - A_{n+1}); in the steady state their mean is
rho / (mu - lambda). A run is a replication as `isim compare` treats it: warm-up by MSER-5, then one mean.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom
from worlds import kernel, profile_of

from isim.compare import Rules, compare
from isim.comparison.pairs import pairs
from isim.comparison.variants import Variant
from isim.comparison.warm_up import warm_up
from isim.experiment import Experiment
from isim.statistics import interval

EXPERIMENTS = 1000
REPLICATIONS = 5
CUSTOMERS = 20_000
"""Of a run. MSER-5 looks at the noise that it then averages, and so cuts a little too much: at 4,000 customers a run
the mean is 2 % low and ten replications hold the truth 90 % of the time; the bias falls as the run grows."""
RHO = 0.5
TRUTH_S = RHO / (1 - RHO)
"""Of the mean wait, at a service rate of 1 per second."""


def waits_s(rng: np.random.Generator, gaps_s: npt.NDArray[np.float64], start_s: float) -> npt.NDArray[np.float64]:
    """Return the waits of customers of M/M/1, a run a row, the first of which waits `start_s`."""
    steps = rng.exponential(1.0, gaps_s.shape) - gaps_s
    walk = start_s + np.cumsum(steps, axis=1) - steps[:, :1]
    floor = np.minimum.accumulate(np.minimum(walk, 0.0), axis=1)
    return np.asarray(walk - floor)


def replicated(
    rng: np.random.Generator, gaps_s: npt.NDArray[np.float64], start_s: float = 0.0
) -> npt.NDArray[np.float64]:
    """Return the mean wait of each run, without its warm-up."""
    return np.array([mean_s(row, True) for row in waits_s(rng, gaps_s, start_s)])


def mean_s(row: npt.NDArray[np.float64], without_warm_up: bool) -> float:
    number = np.arange(len(row), dtype=float)
    from_s = warm_up(number, row).end_s if without_warm_up else 0.0
    return float(row[number >= from_s].mean())


def gaps_s(rng: np.random.Generator, customers: int = CUSTOMERS) -> npt.NDArray[np.float64]:
    return np.asarray(rng.exponential(1 / RHO, (REPLICATIONS, customers)))


def held(start_s: float, without_warm_up: bool) -> float:
    """Return the share of experiments whose 95 % interval holds the truth."""
    rng = np.random.default_rng(7)
    count = 0
    for _ in range(EXPERIMENTS):
        rows = waits_s(rng, gaps_s(rng), start_s)
        found = interval([mean_s(row, without_warm_up) for row in rows])
        assert found.low is not None and found.high is not None
        count += found.low <= TRUTH_S <= found.high
    return count / EXPERIMENTS


@pytest.mark.parametrize("start_s", [0.0, 60.0])
def test_intervals_hold_the_truth_as_often_as_they_say(start_s: float) -> None:
    assert 0.93 <= held(start_s, without_warm_up=True) <= 0.97


def test_without_removal_a_backlog_at_the_start_ruins_intervals() -> None:
    assert held(60.0, without_warm_up=False) < 0.8


def test_equal_variants_are_rarely_said_to_differ() -> None:
    """Four variants, six pairs: any false difference counts."""
    rng = np.random.default_rng(8)
    false = 0
    for _ in range(EXPERIMENTS):
        arrivals = gaps_s(rng, 2_000)
        values = {name: replicated(rng, arrivals).tolist() for name in "abcd"}
        false += any(pair.real for pair in pairs(values))
    assert false / EXPERIMENTS <= 0.05
    assert false >= binom.ppf(1e-6, EXPERIMENTS, 0.01)  # the test is not asleep


def test_a_queue_in_the_engine(tmp_path: Path) -> None:
    """M/D/1 by the engine itself: the mean wait is rho D / (2 (1 - rho))."""
    duration_s, rho = 1e-3, 0.6
    profile_of({("a", 1): [kernel(int(duration_s * 1e9))]}).write(tmp_path / "p.parquet")
    experiment = Experiment(
        profile=str(tmp_path / "p.parquet"),
        arrivals={"rate": f"{rho / duration_s}rps", "duration": "20s"},
        policy="fcfs",
        sharing="exclusive",
    )
    found = compare([Variant("fcfs", experiment)], Rules(replications=10))
    mean, low, high, _ = found.interval("fcfs", "queueing_mean_s") or pytest.fail("no figure")
    assert low is not None and high is not None
    truth_s = rho * duration_s / (2 * (1 - rho))
    assert abs(mean - truth_s) < 2 * (high - low) / 2  # 95 % would miss one time in twenty
    assert (high - low) / 2 < 0.1 * truth_s
