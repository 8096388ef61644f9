"""A Kalman filter over weights that wander."""

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.recursion import correct, dot, is_sound, quadratic
from isim.policies.predictors.learned.ridge import ridge
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number

_MOST_WEIGHT = 1e12


class KalmanFilter:
    """Estimate weights that take a random step with every example: w_t = w_(t-1) + N(0, Q I), y = w'x + N(0, R).

    Weights start at (0, ..., 0, 1). It starts anew (`resets` counts this) if rounding has broken it.

    Parameters
    ----------
    size
        Features.
    noise
        R, the variance of outcomes, above 0.
    drift
        Q, the variance of a weight's step, at least 0.
    uncertainty
        Variance of each weight at the start, above 0.

    Examples
    --------
    >>> learner = KalmanFilter(1, noise=1.0, drift=0.0, uncertainty=1.0)
    >>> learner.update(np.array([1.0]), 3.0)
    >>> learner.predict(np.array([1.0]))[0]
    2.0
    """

    def __init__(self, size: int, noise: float = 0.01, drift: float = 1e-5, uncertainty: float = 1.0) -> None:
        self.noise, self.drift, self.uncertainty = noise, drift, uncertainty
        self.weights = np.zeros(size)
        self.weights[-1] = 1.0
        self.covariance = uncertainty * np.eye(size)
        self.resets = 0
        self._start = self.weights.copy()

    def predict(self, x: Floats) -> tuple[float, float]:
        """Return w'x, and the deviation of an outcome: sqrt(R + x'Px)."""
        return dot(self.weights, x), (self.noise + quadratic(self.covariance, x)) ** 0.5

    def update(self, x: Floats, y: float) -> None:
        """Take in one example."""
        most_trace = max(self.uncertainty, 1.0) * 100.0 * x.size
        # Where nothing is excited, drift alone would add up without end.
        drift = self.drift if np.trace(self.covariance) < most_trace else 0.0
        correct(self.weights, self.covariance, x, y, self.noise, 1.0, drift, np.inf)
        if not is_sound(self.weights, self.covariance, _MOST_WEIGHT):
            self.resets += 1
            self.weights = self._start.copy()
            self.covariance = self.uncertainty * np.eye(x.size)

    def fit(self, x: Floats, y: Floats) -> None:
        """Start from what all examples say of weights that stay."""
        self.weights, gram = ridge(x, y, self.weights, self.noise / self.uncertainty)
        self._start = self.weights.copy()
        covariance = self.noise * np.linalg.inv(gram)
        self.covariance = np.ascontiguousarray((covariance + covariance.T) / 2.0)


class Kalman(Composed):
    """Learn online by a Kalman filter over weights that wander.

    Parameters
    ----------
    noise
        Variance of outcomes about their mean, above 0.
    drift
        Variance of a weight's step from batch to batch, at least 0.
    uncertainty
        Variance of each weight at the start, above 0.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> Kalman(drift=1e-4).drift
    0.0001
    """

    def __init__(
        self,
        noise: float = 0.01,
        drift: float = 1e-5,
        uncertainty: float = 1.0,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.noise, self.drift, self.uncertainty = noise, drift, uncertainty
        checks = [
            number("noise", noise, above=0),
            number("drift", drift, at_least=0),
            number("uncertainty", uncertainty, above=0),
        ]
        learner = KalmanFilter(2 * len(resources) + 1, noise, drift, uncertainty)
        super().__init__("kalman", learner, checks, features, alpha, resources, target)
