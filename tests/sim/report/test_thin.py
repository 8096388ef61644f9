"""Thinned curves say what the whole data says."""

import numpy as np
import pytest

from isim.report.thin import POINTS, binned_mean, cdf, mean_over_time, rate


def test_a_cdf_is_short_and_right() -> None:
    values = np.random.default_rng(0).exponential(1.0, 100_000)
    curve = cdf(values)
    assert len(curve.x) <= 2 * POINTS
    assert (curve.y[0], curve.y[-1]) == (1e-5, 1.0)
    for x, y in list(zip(curve.x, curve.y, strict=True))[1:]:
        assert np.mean(values <= x * (1 + 1e-4)) == pytest.approx(y, abs=2e-4)
    assert sum(y > 0.999 for y in curve.y) > 20  # the tail is not thinned away


def test_levels_keep_their_area() -> None:
    rng = np.random.default_rng(1)
    time_s = np.sort(np.append(rng.uniform(0, 10, 500), 0.0))
    level = rng.integers(0, 9, 501).astype(float)
    curve = mean_over_time(time_s, level, 10.0, bins=37)
    whole = float(np.sum(level * np.diff(np.append(time_s, 10.0))))
    assert sum(y * 10 / 37 for y in curve.y) == pytest.approx(whole, rel=1e-4)


def test_means_and_rates() -> None:
    time_s = np.array([0.5, 0.6, 2.5, 3.0])
    assert binned_mean(time_s, np.array([1.0, 2.0, 7.0, 9.0]), 3.0, bins=3).y == [1.5, None, 8.0]
    assert rate(time_s, 3.0, bins=3).y == [2.0, 0.0, 2.0]


def test_nothing_gives_nothing() -> None:
    assert cdf(np.array([])) == ([], [])
