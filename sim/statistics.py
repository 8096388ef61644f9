"""Means over replications, paired differences, and how sure they are."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Interval(NamedTuple):
    """A mean over replications and its confidence interval; the ends are None for fewer than two.

    Examples
    --------
    >>> Interval(mean=5.0, low=2.5, high=7.5, replications=3).replications
    3
    """

    mean: float
    low: float | None
    high: float | None
    replications: int


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean of independent replications with Student's t interval.

    Parameters
    ----------
    values
        One a replication, at least one.
    confidence
        Probability that the interval holds the expectation, where replications are normal, 0..1.

    Examples
    --------
    >>> mean, low, high, _ = interval([4.0, 5.0, 6.0])
    >>> mean, round(low, 3), round(high, 3)
    (5.0, 2.516, 7.484)
    """
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return Interval(mean, None, None, count)
    from scipy.special import stdtrit  # slow to import, and not needed for a single replication

    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(stdtrit(count - 1, 0.5 + confidence / 2)) * deviation / math.sqrt(count)
    return Interval(mean, mean - half, mean + half, count)


def paired_difference(values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean of `values` - `baseline`, replication by replication, with its interval.

    Both must have met the same luck in each replication; what they share then cancels out.

    Examples
    --------
    >>> paired_difference([3.0, 5.0], [2.0, 4.0])
    Interval(mean=1.0, low=1.0, high=1.0, replications=2)
    """
    return interval([value - base for value, base in zip(values, baseline, strict=True)], confidence)
