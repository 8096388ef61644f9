"""Weibull gaps: the law that fits many production clients whose bursts are not gamma."""

import math

import numpy as np

from isim.traces.generators.parameters import check_parameters
from isim.traces.generators.process import Floats
from isim.traces.generators.renewal import Renewal

_LEAST_CV, _MOST_CV = 0.02, 20.0


class Weibull(Renewal):
    """Draw Weibull gaps, whose shape k solves Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 = 1 + cv^2.

    Parameters
    ----------
    cv
        Standard deviation over mean of the gaps, 0.02 to 20; 1 is a Poisson process (k = 1).

    Raises
    ------
    TraceError
        The CV is out of range.

    Examples
    --------
    >>> round(Weibull(cv=2).shape, 4)
    0.5427

    References
    ----------
    Xiang et al., ServeGen, 2025.
    """

    def __init__(self, cv: float) -> None:
        check_parameters("weibull", cv=(cv, _LEAST_CV <= cv <= _MOST_CV, f"{_LEAST_CV:g} to {_MOST_CV:g}"))
        self.cv = cv
        self.shape = _shape(cv)
        self._scale = math.exp(-math.lgamma(1 + 1 / self.shape))

    @property
    def gap_cv(self) -> float:
        """Standard deviation over mean of the gaps."""
        return self.cv

    def gaps(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw so many gaps, in units of their mean."""
        return rng.weibull(self.shape, count) * self._scale

    def first(self, rng: np.random.Generator) -> float:
        """Draw what is left of the gap under way at time 0."""
        # Weighted by its length x, the density of y = (x / scale)^k is proportional to y^(1/k) exp(-y).
        under_way = rng.standard_gamma(1 + 1 / self.shape) ** (1 / self.shape) * self._scale
        return float(rng.random() * under_way)


def _shape(cv: float) -> float:
    """Return the shape with a CV: bisect its logarithm, in which the CV falls."""
    low, high = math.log(0.1), math.log(100.0)
    for _ in range(80):
        middle = (low + high) / 2
        inverse = math.exp(-middle)
        squared_cv = math.expm1(math.lgamma(1 + 2 * inverse) - 2 * math.lgamma(1 + inverse))
        low, high = (middle, high) if squared_cv > cv**2 else (low, middle)
    return math.exp(low)
