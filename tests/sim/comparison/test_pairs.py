"""Pairs: against scipy's t test, Holm's own definition, and ranks that claim no more than is known."""

import numpy as np
import pytest
from scipy import stats

from isim.comparison.pairs import holm, p_value, pairs, ranking


@pytest.mark.parametrize("count", [2, 5, 30])
def test_p_is_that_of_the_paired_t_test(count: int) -> None:
    values, others = np.random.default_rng(count).normal([[0.3], [0.0]], 1, (2, count))
    assert p_value(list(values), list(others)) == pytest.approx(stats.ttest_rel(values, others).pvalue, rel=1e-9)


def test_p_without_luck() -> None:
    assert p_value([1.0], [2.0]) is None
    assert p_value([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 1.0
    assert p_value([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) == 0.0
    assert p_value([0.1 + 0.2, 0.5], [0.3, 0.5]) == 1.0  # rounding is no difference


def test_holm_steps_down() -> None:
    p_values = [0.001, 0.2, 0.01, 0.03, 0.9]
    expected = [0.005, 0.4, 0.04, 0.09, 0.9]
    assert holm(p_values) == pytest.approx(expected)
    assert holm([]) == []
    assert max(holm([0.6, 0.7, 0.8])) == 1.0


def test_ranks_are_only_as_far_apart_as_is_known() -> None:
    rng = np.random.default_rng(3)
    luck = rng.normal(0, 1, 10)
    values = {
        "slow": list(luck + 5 + rng.normal(0, 0.01, 10)),
        "fast": list(luck + rng.normal(0, 0.01, 10)),
        "fast too": list(luck + rng.normal(0, 0.01, 10)),
    }
    found = pairs(values)
    assert [pair.real for pair in found] == [True, True, False]
    lower, higher = (ranking(values, found, higher_is_better=better) for better in (False, True))
    assert {(each.variant, each.rank) for each in lower} == {("slow", 3), ("fast", 1), ("fast too", 1)}
    assert (higher[0].variant, higher[0].rank, set(higher[0].better_than)) == ("slow", 1, {"fast", "fast too"})
    assert [each.rank for each in higher] == [1, 2, 2]
