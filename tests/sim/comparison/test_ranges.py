"""Intervals end where a figure does, whatever Student's t says."""

import pytest

from isim.comparison.comparison import Comparison
from isim.comparison.half_width import HalfWidth
from isim.comparison.ranges import in_range
from isim.statistics import Interval, interval


def comparison(**figures: list[float]) -> Comparison:
    """Return a comparison of variants a and b, with figures at two seeds; those of b are 1 less those of a."""
    of = {
        "a": [{"total": dict(zip(figures, values, strict=True))} for values in zip(*figures.values(), strict=True)],
        "b": [
            {"total": dict(zip(figures, [1 - value for value in values], strict=True))}
            for values in zip(*figures.values(), strict=True)
        ],
    }
    return Comparison(("a", "b"), (0, 1), "attainment", (), {}, of, (0.0, 0.0), {}, {})


def ends(found: Interval | None) -> tuple[float, float]:
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def test_a_share_stays_between_0_and_1() -> None:
    found = comparison(attainment=[0.95, 0.99], busy_share=[0.01, 0.05])
    assert ends(interval([0.95, 0.99]))[1] > 1.2  # t of one degree of freedom is 12.7, the standard error 0.02
    assert ends(found.interval("a", "attainment")) == pytest.approx((0.97 - 12.7062 * 0.02, 1.0), abs=1e-5)
    assert ends(found.interval("a", "busy_share")) == pytest.approx((0.0, 0.03 + 12.7062 * 0.02), abs=1e-5)


def test_a_difference_of_shares_stays_between_minus_1_and_1() -> None:
    found = comparison(attainment=[0.95, 0.99])
    assert ends(found.difference("b", "attainment")) == pytest.approx((-1.0, -0.94 + 12.7062 * 0.04), abs=1e-5)
    [pair] = found.pairs()
    assert ends(pair.difference)[1] == 1.0


@pytest.mark.parametrize(
    ("figure", "least"),
    [("late", 0.0), ("latency_p99_s", 0.0), ("goodput_rps", 0.0), ("capacity_rps", 0.0), ("slowdown_p95", 1.0)],
)
def test_other_figures_have_a_least(figure: str, least: float) -> None:
    assert in_range(Interval(1.5, -3.0, 6.0, 2), figure) == Interval(1.5, least, 6.0, 2)


def test_nothing_else_is_moved() -> None:
    assert in_range(Interval(0.5, 0.4, 0.6, 2), "attainment") == Interval(0.5, 0.4, 0.6, 2)
    assert in_range(Interval(0.5, None, None, 1), "attainment") == Interval(0.5, None, None, 1)
    rounded = 1 - 1e-12  # the mean of slowdowns that are 1 but for rounding stays in its interval
    assert in_range(Interval(rounded, 0.9, 1.1, 2), "slowdown_p50") == Interval(rounded, rounded, 1.1, 2)


def test_replication_stops_by_the_whole_interval() -> None:
    """An end at 1 does not make an interval narrow."""
    assert not HalfWidth.parse("attainment <= 0.05", 10).reached(comparison(attainment=[0.95, 0.99]))
