"""Gamma gaps: bursts (CV above 1) or regularity (below 1) set by one number."""

import numpy as np

from isim.traces.generators.parameters import burstiness, check_parameters
from isim.traces.generators.process import Floats
from isim.traces.generators.renewal import Renewal


class Gamma(Renewal):
    """Draw gamma gaps of shape 1/cv^2; the index of dispersion tends to cv^2.

    Parameters
    ----------
    cv
        Standard deviation over mean of the gaps, 0.01 to 100; 1 is a Poisson process. Others call 1/cv^2 burstiness.

    Raises
    ------
    TraceError
        The CV is out of range.

    Examples
    --------
    >>> len(Gamma(cv=4).arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=10**9))
    1053

    References
    ----------
    Li et al., AlpaServe, OSDI 2023; Wang et al., BurstGPT, 2024.
    """

    def __init__(self, cv: float) -> None:
        check_parameters("gamma", cv=burstiness(cv))
        self.cv = cv

    @property
    def gap_cv(self) -> float:
        """Standard deviation over mean of the gaps."""
        return self.cv

    def gaps(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw so many gaps, in units of their mean."""
        return rng.standard_gamma(self.cv**-2, count) * self.cv**2

    def first(self, rng: np.random.Generator) -> float:
        """Draw what is left of the gap under way at time 0."""
        # Such a gap is long in proportion to its length: gamma of shape + 1, and we are anywhere in it.
        return rng.random() * rng.standard_gamma(self.cv**-2 + 1) * self.cv**2
