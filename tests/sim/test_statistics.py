"""Intervals over replications, against scipy's own and against their meaning."""

import numpy as np
import pytest
from scipy import stats

from isim.statistics import Interval, interval, paired_difference


@pytest.mark.parametrize("count", [2, 3, 5, 30])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_students(count: int, confidence: float) -> None:
    values = np.random.default_rng(count).normal(10, 3, count)
    found = interval(list(values), confidence)
    low, high = stats.t.interval(confidence, count - 1, loc=values.mean(), scale=stats.sem(values))
    assert found == pytest.approx((values.mean(), low, high, count), rel=1e-9)


def test_one_replication_has_no_interval() -> None:
    assert interval([3.0]) == Interval(3.0, None, None, 1)


def test_it_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    found = [interval(list(rng.normal(5, 2, 4))) for _ in range(1000)]
    held = np.mean([one.low <= 5 <= one.high for one in found])
    assert abs(held - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 1000)


def test_a_paired_difference_drops_common_luck() -> None:
    luck = np.random.default_rng(2).normal(0, 100, 10)
    baseline, better = list(luck + 50), list(luck + 49 + np.linspace(-0.1, 0.1, 10))
    found = paired_difference(better, baseline)
    assert found.mean == pytest.approx(-1)
    assert -1.1 < found.low < found.high < -0.9
    assert interval(better).high - interval(better).low > 50


def test_pairs_must_match() -> None:
    with pytest.raises(ValueError, match="longer"):
        paired_difference([1.0], [1.0, 2.0])
