"""What learners share that correct their weights by a step along the example."""

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.predictors.learned.recursion import dot
from isim.policies.predictors.learned.ridge import ridge
from isim.policies.predictors.learned.spread import Spread

_ALMOST_NONE = 1e-6
"""Regulariser of a warm start: least squares, defined even where features repeat each other."""


class Stepped:
    """Keep w; predict w'x. Weights start at (0, ..., 0, 1).

    Parameters
    ----------
    size
        Features.

    Examples
    --------
    >>> Stepped(2).predict(np.array([0.5, 1.0]))
    (1.0, 0.0)
    """

    def __init__(self, size: int) -> None:
        self.weights = np.zeros(size)
        self.weights[-1] = 1.0
        self._spread = Spread()

    def predict(self, x: Floats) -> tuple[float, float]:
        """Return w'x, and the spread of recent errors."""
        return dot(self.weights, x), self._spread.rms

    def fit(self, x: Floats, y: Floats) -> None:
        """Start from the weights of least squares."""
        self.weights, _ = ridge(x, y, self.weights, _ALMOST_NONE)
        self._spread.start(y - x @ self.weights)
