"""What a fit of a law to gaps found, and how well it describes them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class GapFit(NamedTuple):
    """A law of gaps.

    Examples
    --------
    >>> GapFit("poisson", "mle", {"rate_rps": 2.0}, cv=1.0, log_likelihood=-3.0, ks=0.1).aic
    8.0
    """

    law: str
    method: str
    """`mle` (maximum likelihood) or `moments`."""
    parameters: Mapping[str, float]
    cv: float
    """Of the gaps, as the law has it."""
    log_likelihood: float
    ks: float
    """Kolmogorov-Smirnov distance: the largest between the law's and the gaps' distribution functions."""

    @property
    def aic(self) -> float:
        """Akaike's criterion, twice the parameters less twice the log likelihood; of two laws, less is better."""
        return 2 * len(self.parameters) - 2 * self.log_likelihood


def ks_distance(gaps_s: Floats, distribution: Callable[[Floats], Floats]) -> float:
    """Return the largest distance between a distribution function and that of the gaps.

    Examples
    --------
    >>> round(ks_distance(np.array([0.25, 0.75]), lambda gap: gap), 3)
    0.25
    """
    ordered = np.sort(gaps_s)
    levels = np.arange(len(ordered) + 1) / len(ordered)
    values = distribution(ordered)
    return float(max((levels[1:] - values).max(), (values - levels[:-1]).max()))
