"""A rate that goes in straight lines from point to point."""

import math

import numpy as np

from isim.traces.generators.linear_rate import LinearRate
from isim.traces.generators.parameters import check_parameters
from isim.traces.generators.rate_curve import RateCurve
from isim.traces.generators.time_changed import Law, TimeChanged


class Piecewise(TimeChanged):
    """Let the rate go in straight lines through points, scaled so that its mean over the points is the rate asked for.

    Parameters
    ----------
    times_s
        Where the points lie, in seconds from 0 on, ascending, written `0s/60s/90s`; two equal times are a jump.
    levels
        The rate at each, relative to each other, at least 0, written `1/1/4`.
    repeats
        Whether the pieces come again and again; otherwise the last level is kept.
    cv
        Standard deviation over mean of the gaps, were the rate constant.
    law
        Of the gaps.

    Raises
    ------
    TraceError
        A parameter is out of range.

    Examples
    --------
    >>> process = Piecewise(times_s=(0, 4, 4, 8), levels=(0, 2, 1, 1))
    >>> arrivals = process.arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=8 * 10**9)
    >>> np.histogram(arrivals, bins=4, range=(0, 8e9))[0]
    array([ 991, 3047, 1974, 1948])
    """

    def __init__(
        self,
        times_s: tuple[float, ...],
        levels: tuple[float, ...],
        repeats: bool = False,
        cv: float = 1.0,
        law: Law = "gamma",
    ) -> None:
        super().__init__(cv, law)
        steps_s = np.diff(times_s)
        ascending = len(times_s) > 1 and times_s[0] == 0 < times_s[-1] < math.inf and bool((steps_s >= 0).all())
        many = len(levels) == len(times_s) and all(0 <= level < math.inf for level in levels)
        # Only a level next to a piece that takes time counts for anything.
        some = many and ascending and bool((((np.add(levels[:-1], levels[1:])) * steps_s) > 0).any())
        check_parameters(
            "piecewise",
            times_s=(times_s, ascending, "at least two durations that ascend from 0s, such as 0s/60s/90s"),
            levels=(levels, some or (many and not ascending), "a number of at least 0 for each time, not all 0"),
        )
        self.times_s = times_s
        self.levels = levels
        self.repeats = repeats

    def curve(self, duration_s: float) -> RateCurve:
        """Return the rate over time, of mean 1 over the points."""
        times_s, levels = np.array(self.times_s, dtype=np.float64), np.array(self.levels, dtype=np.float64)
        lasting = np.diff(times_s) > 0
        edges_s = np.append(times_s[:-1][lasting], times_s[-1])
        return LinearRate.of_mean_1(edges_s, levels[:-1][lasting], levels[1:][lasting], self.repeats)
