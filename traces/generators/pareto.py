"""Pareto gaps: pauses so long that averages settle slowly, or never."""

import math

import numpy as np

from isim.traces.generators.parameters import check_parameters
from isim.traces.generators.process import Floats
from isim.traces.generators.renewal import Renewal


class Pareto(Renewal):
    """Draw gaps of the Pareto law that starts at 0 (Lomax): longer than x with probability (1 + x / sigma)^-alpha.

    In mean gaps sigma = alpha - 1. The squared CV is alpha / (alpha - 2), infinite for alpha up to 2.

    Parameters
    ----------
    alpha
        Tail index, above 1 (no mean below that) and at most 100.

    Raises
    ------
    TraceError
        The index is out of range.

    Examples
    --------
    >>> round(Pareto(alpha=2.5).gap_cv, 4)
    2.2361

    References
    ----------
    Paxson and Floyd, Wide-area traffic: the failure of Poisson modeling, IEEE/ACM Transactions on Networking 1995.
    """

    def __init__(self, alpha: float) -> None:
        check_parameters("pareto", alpha=(alpha, 1 < alpha <= 100, "more than 1 and at most 100"))
        self.alpha = alpha

    @property
    def gap_cv(self) -> float:
        """Standard deviation over mean of the gaps; infinite for alpha up to 2."""
        return math.sqrt(self.alpha / (self.alpha - 2)) if self.alpha > 2 else math.inf

    def gaps(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw so many gaps, in units of their mean."""
        return rng.pareto(self.alpha, count) * (self.alpha - 1)

    def first(self, rng: np.random.Generator) -> float:
        """Draw what is left of the gap under way at time 0: the same law, its tail index one less."""
        return rng.pareto(self.alpha - 1) * (self.alpha - 1)
