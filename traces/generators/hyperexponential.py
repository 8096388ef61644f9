"""Hyper-exponential gaps: now a short pause, now a long one; bursts whose dispersion is known at every scale."""

import math

import numpy as np

from isim.traces.generators.parameters import check_parameters
from isim.traces.generators.process import Floats
from isim.traces.generators.renewal import Renewal


class Hyperexponential(Renewal):
    """Draw gaps from one of two exponential laws of balanced means: half of all time passes in gaps of either.

    A gap is of rate 2 p (in mean gaps) with probability p = (1 + sqrt((cv^2 - 1) / (cv^2 + 1))) / 2, else of rate
    2 (1 - p). With r = 4 p (1 - p), the index of dispersion over t mean gaps is
    1 + (cv^2 - 1) (1 - (1 - exp(-r t)) / (r t)).

    Parameters
    ----------
    cv
        Standard deviation over mean of the gaps, 1 to 100.

    Raises
    ------
    TraceError
        The CV is out of range.

    Examples
    --------
    >>> round(Hyperexponential(cv=2).short_share, 4)
    0.8873

    References
    ----------
    Whitt, Approximating a point process by a renewal process, Operations Research 1982.
    """

    def __init__(self, cv: float) -> None:
        check_parameters("hyperexponential", cv=(cv, 1 <= cv <= 100, "1 to 100"))
        self.cv = cv
        self.short_share = (1 + math.sqrt((cv**2 - 1) / (cv**2 + 1))) / 2

    @property
    def gap_cv(self) -> float:
        """Standard deviation over mean of the gaps."""
        return self.cv

    def gaps(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw so many gaps, in units of their mean."""
        short = rng.random(count) < self.short_share
        return rng.standard_exponential(count) * np.where(short, *self._means)

    def first(self, rng: np.random.Generator) -> float:
        """Draw what is left of the gap under way at time 0: of either kind with equal probability."""
        return rng.standard_exponential() * self._means[int(rng.random() < 0.5)]

    @property
    def _means(self) -> tuple[float, float]:
        return 0.5 / self.short_share, 0.5 / (1 - self.short_share)
