"""Fewer points that look the same: what is drawn has a few hundred, whatever the run had."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

POINTS = 240


class Curve(NamedTuple):
    """Points of a line; x ascends."""

    x: list[float]
    y: Sequence[float | None]


def cdf(values: Floats) -> Curve:
    """Return the share of values that are at most x; dense in the tail, where it matters.

    Examples
    --------
    >>> cdf(np.array([3.0, 1.0, 2.0, 4.0]))
    Curve(x=[1.0, 2.0, 3.0, 4.0], y=[0.25, 0.5, 0.75, 1.0])
    """
    ordered = np.sort(values)
    count = len(ordered)
    if not count:
        return Curve([], [])
    even = np.linspace(0, count - 1, POINTS)
    tail = count - np.geomspace(1, count, POINTS // 2)
    at = np.unique(np.concatenate([even, tail]).round().astype(np.int64))
    return Curve(_short(ordered[at]), _short((at + 1) / count))


def mean_over_time(time_s: Floats, level: Floats, end_s: float, bins: int = POINTS) -> Curve:
    """Return the time average, in equal parts of a run, of what has a level from each time to the next.

    Parameters
    ----------
    time_s
        Ascending, from 0.

    Examples
    --------
    >>> mean_over_time(np.array([0.0, 1.0]), np.array([0.0, 4.0]), 4.0, bins=2)
    Curve(x=[1.0, 3.0], y=[2.0, 4.0])
    """
    edges_s = np.linspace(0.0, end_s, bins + 1)
    time_s, level = np.append(time_s, max(end_s, time_s[-1] if len(time_s) else 0.0)), np.append(level, 0.0)
    total = np.concatenate([[0.0], np.cumsum(level[:-1] * np.diff(time_s))])
    area = np.diff(np.interp(edges_s, time_s, total))
    return Curve(_short((edges_s[1:] + edges_s[:-1]) / 2), _short(area / np.diff(edges_s)))


def binned_mean(time_s: Floats, values: Floats, end_s: float, bins: int = POINTS) -> Curve:
    """Return the mean of values in equal parts of a run; nothing where a part has none.

    Examples
    --------
    >>> binned_mean(np.array([0.1, 0.2, 1.5]), np.array([1.0, 3.0, 5.0]), 3.0, bins=3)
    Curve(x=[0.5, 1.5, 2.5], y=[2.0, 5.0, None])
    """
    part = np.minimum((time_s / end_s * bins).astype(np.int64), bins - 1)
    count = np.bincount(part, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(part, values, minlength=bins) / count
    middle = (np.arange(bins) + 0.5) * end_s / bins
    return Curve(
        _short(middle), [None if np.isnan(each) else value for each, value in zip(mean, _short(mean), strict=True)]
    )


def rate(time_s: Floats, end_s: float, bins: int = POINTS) -> Curve:
    """Return how many times there are per second, in equal parts of a run."""
    counts, edges_s = np.histogram(time_s, bins=bins, range=(0.0, end_s))
    return Curve(_short((edges_s[1:] + edges_s[:-1]) / 2), _short(counts / (end_s / bins)))


def _short(values: Floats) -> list[float]:
    """Return numbers of five digits, which no picture shows more of."""
    return [float(f"{each:.5g}") for each in values.tolist()]
