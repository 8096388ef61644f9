"""A rate that grows or falls steadily: where does a server begin to fail?"""

import math

import numpy as np

from isim.traces.generators.linear_rate import LinearRate
from isim.traces.generators.parameters import check_parameters
from isim.traces.generators.rate_curve import RateCurve
from isim.traces.generators.time_changed import Law, TimeChanged


class Ramp(TimeChanged):
    """Let the rate run in a straight line from a first to a last level over the whole duration.

    Parameters
    ----------
    first, last
        Levels relative to each other, at least 0: 1 and 9 run from a fifth of the mean rate to nine fifths.
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
    >>> arrivals = Ramp().arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=10**10)
    >>> np.histogram(arrivals, bins=5, range=(0, 1e10))[0]
    array([ 408, 1178, 2073, 2737, 3589])
    """

    def __init__(self, first: float = 0.0, last: float = 1.0, cv: float = 1.0, law: Law = "gamma") -> None:
        super().__init__(cv, law)
        levels = (first, last)
        valid = all(0 <= level < math.inf for level in levels) and max(levels) > 0
        check_parameters("ramp", **{"first and last": (levels, valid, "two numbers of at least 0, not both 0")})
        self.first = first
        self.last = last

    def curve(self, duration_s: float) -> RateCurve:
        """Return the rate over time, of mean 1 over the duration."""
        return LinearRate.of_mean_1(np.array([0.0, duration_s]), np.array([self.first]), np.array([self.last]))
