"""Which values a figure can have: a t interval does not know that a share ends at 1."""

import re

from isim.statistics import Interval

_SHARES = ("attainment", "busy_share")
_FROM_1 = re.compile(r"(kernel_)?slowdown_.*|mean_batch_size|mean_concurrency|fewest_gpus")


def bounds(figure: str) -> tuple[float, float]:
    """Return the least and the most that a figure can be.

    Examples
    --------
    >>> bounds("attainment"), bounds("slowdown_max")
    ((0.0, 1.0), (1.0, inf))
    """
    return 1.0 if _FROM_1.fullmatch(figure) else 0.0, 1.0 if figure in _SHARES else float("inf")


def in_range(found: Interval, figure: str) -> Interval:
    """Return an interval without the part of it that the figure cannot reach.

    Examples
    --------
    >>> in_range(Interval(0.97, 0.91, 1.03, 5), "attainment")
    Interval(mean=0.97, low=0.91, high=1.0, replications=5)
    """
    return _between(found, *bounds(figure))


def difference_in_range(found: Interval, figure: str) -> Interval:
    """Return the interval of a difference without the part of it that the difference of two such figures cannot reach.

    Examples
    --------
    >>> difference_in_range(Interval(-0.9, -1.2, -0.6, 5), "attainment")
    Interval(mean=-0.9, low=-1.0, high=-0.6, replications=5)
    """
    most = 1.0 if figure in _SHARES else float("inf")
    return _between(found, -most, most)


def _between(found: Interval, least: float, most: float) -> Interval:
    if found.low is None or found.high is None:
        return found
    # The mean may lie beyond by rounding.
    low, high = min(max(found.low, least), found.mean), max(min(found.high, most), found.mean)
    return found._replace(low=low, high=high)
