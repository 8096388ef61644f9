"""Lognormal gaps: many factors multiplied, as in the pauses of people."""

import math

import numpy as np

from isim.traces.generators.parameters import burstiness, check_parameters
from isim.traces.generators.process import Floats
from isim.traces.generators.renewal import Renewal


class Lognormal(Renewal):
    """Draw lognormal gaps: sigma^2 = ln(1 + cv^2), mu = -sigma^2 / 2 in mean gaps.

    Parameters
    ----------
    cv
        Standard deviation over mean of the gaps, 0.01 to 100.

    Raises
    ------
    TraceError
        The CV is out of range.

    Examples
    --------
    >>> len(Lognormal(cv=2).arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=10**10))
    10085
    """

    def __init__(self, cv: float) -> None:
        check_parameters("lognormal", cv=burstiness(cv))
        self.cv = cv
        self._sigma = math.sqrt(math.log1p(cv**2))

    @property
    def gap_cv(self) -> float:
        """Standard deviation over mean of the gaps."""
        return self.cv

    def gaps(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw so many gaps, in units of their mean."""
        return rng.lognormal(-(self._sigma**2) / 2, self._sigma, count)

    def first(self, rng: np.random.Generator) -> float:
        """Draw what is left of the gap under way at time 0."""
        # Weighted by its length, a lognormal gap is lognormal again, its logarithm moved up by sigma^2.
        return rng.random() * rng.lognormal(self._sigma**2 / 2, self._sigma)
