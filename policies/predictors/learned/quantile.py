"""A quantile of slowdown, by stochastic gradient descent on the pinball loss."""

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.recursion import add_scaled, dot
from isim.policies.predictors.learned.stepped import Stepped
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number


class QuantileDescent(Stepped):
    """Follow the gradient of the pinball loss: w += eta x (q - 1[y < w'x]).

    Parameters
    ----------
    size
        Features.
    quantile
        q: how often an outcome is to stay below the prediction, above 0, below 1.
    rate
        eta, above 0.

    Examples
    --------
    >>> learner = QuantileDescent(2, quantile=0.9, rate=0.1)
    >>> learner.update(np.array([0.0, 1.0]), 2.0)
    >>> round(learner.predict(np.array([0.0, 1.0]))[0], 9)
    1.09
    """

    def __init__(self, size: int, quantile: float = 0.9, rate: float = 0.01) -> None:
        super().__init__(size)
        self.quantile, self.rate = quantile, rate

    def update(self, x: Floats, y: float) -> None:
        """Take one step."""
        error = y - dot(self.weights, x)
        self._spread.add(error)
        add_scaled(self.weights, x, self.rate * (self.quantile - (error < 0.0)))

    def fit(self, x: Floats, y: Floats) -> None:
        """Start from least squares, with the last weight shifted to the quantile of its errors."""
        super().fit(x, y)
        self.weights[-1] += float(np.quantile((y - x @ self.weights) / x[:, -1], self.quantile))


class Quantile(Composed):
    """Learn a quantile of slowdown online, so that a batch is slower than said in only so many cases.

    Parameters
    ----------
    quantile
        How often an outcome is to stay below the prediction, above 0, below 1.
    rate
        Step, above 0.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> Quantile(quantile=0.95).quantile
    0.95

    References
    ----------
    R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46, 1978.
    """

    def __init__(
        self,
        quantile: float = 0.9,
        rate: float = 0.01,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.quantile, self.rate = quantile, rate
        checks = [number("quantile", quantile, above=0, below=1), number("rate", rate, above=0)]
        learner = QuantileDescent(2 * len(resources) + 1, quantile, rate)
        super().__init__("quantile", learner, checks, features, alpha, resources, target)
