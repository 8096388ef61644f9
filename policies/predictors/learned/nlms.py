"""Normalised least mean squares."""

from isim.policies.kernels import Floats
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.recursion import add_scaled, dot
from isim.policies.predictors.learned.stepped import Stepped
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number


class NormalisedLeastMeanSquares(Stepped):
    """Step a fixed part of the way to what would have met the example: w += eta e x / (eps + x'x).

    Parameters
    ----------
    size
        Features.
    rate
        eta, above 0, below 2.
    epsilon
        eps, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> learner = NormalisedLeastMeanSquares(2, rate=1.0, epsilon=1e-12)
    >>> learner.update(np.array([0.5, 1.0]), 2.0)
    >>> round(learner.predict(np.array([0.5, 1.0]))[0], 9)
    2.0
    """

    def __init__(self, size: int, rate: float = 0.1, epsilon: float = 1e-3) -> None:
        super().__init__(size)
        self.rate, self.epsilon = rate, epsilon

    def update(self, x: Floats, y: float) -> None:
        """Take one step."""
        error = y - dot(self.weights, x)
        self._spread.add(error)
        add_scaled(self.weights, x, self.rate * error / (self.epsilon + dot(x, x)))


class Nlms(Composed):
    """Learn online by normalised least mean squares.

    Parameters
    ----------
    rate
        Part of each error that a step makes up for, above 0, below 2.
    epsilon
        Added to the square of the features, above 0.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> Nlms(rate=0.5).rate
    0.5
    """

    def __init__(
        self,
        rate: float = 0.1,
        epsilon: float = 1e-3,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.rate, self.epsilon = rate, epsilon
        checks = [number("rate", rate, above=0, below=2), number("epsilon", epsilon, above=0)]
        learner = NormalisedLeastMeanSquares(2 * len(resources) + 1, rate, epsilon)
        super().__init__("nlms", learner, checks, features, alpha, resources, target)
