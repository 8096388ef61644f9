"""Bayesian linear regression: a belief about the weights and the noise."""

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.recursion import correct, dot, is_sound, quadratic
from isim.policies.predictors.learned.ridge import ridge
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number

_MOST_WEIGHT = 1e12


class BayesianRegression:
    """Hold a normal-inverse-gamma belief: w | s2 ~ N(m, s2 P), s2 ~ InvGamma(a, b); the predictive is Student's t.

    Updates are conjugate: P by the rule of least squares, a += 1/2, b += e^2 / (2 (1 + x'P x)).
    Weights start at (0, ..., 0, 1). It starts anew (`resets` counts this) if rounding has broken it.

    Parameters
    ----------
    size
        Features.
    uncertainty
        Variance of each weight at the start, in units of the noise, above 0.
    noise
        Deviation of outcomes expected at the start, above 0; it counts as much as two outcomes.

    Examples
    --------
    >>> learner = BayesianRegression(1, uncertainty=1.0, noise=0.5)
    >>> learner.update(np.array([1.0]), 3.0)
    >>> learner.predict(np.array([1.0]))[0]
    2.0

    References
    ----------
    C. Bishop, Pattern Recognition and Machine Learning, 2006, section 3.3 and exercise 3.12.
    """

    def __init__(self, size: int, uncertainty: float = 100.0, noise: float = 0.1) -> None:
        self.uncertainty, self.noise = uncertainty, noise
        self.weights = np.zeros(size)
        self.weights[-1] = 1.0
        self.covariance = uncertainty * np.eye(size)
        self.resets = 0
        self._start = self.weights.copy()
        # a of the inverse gamma starts at 2: the least whole number for which the predictive has a variance.
        self._shape, self._scale = 2.0, noise**2

    def predict(self, x: Floats) -> tuple[float, float]:
        """Return m'x, and the deviation of the predictive: sqrt(b / (a - 1) (1 + x'Px))."""
        variance = self._scale / (self._shape - 1.0) * (1.0 + quadratic(self.covariance, x))
        return dot(self.weights, x), variance**0.5

    def update(self, x: Floats, y: float) -> None:
        """Take in one example."""
        spread = 1.0 + quadratic(self.covariance, x)
        error = correct(self.weights, self.covariance, x, y, 1.0, 1.0, 0.0, np.inf)
        self._shape += 0.5
        self._scale += error * error / (2.0 * spread)
        if not is_sound(self.weights, self.covariance, _MOST_WEIGHT) or not self._scale < np.inf:
            self.resets += 1
            self.weights = self._start.copy()
            self.covariance = self.uncertainty * np.eye(x.size)
            self._shape, self._scale = 2.0, self.noise**2

    def fit(self, x: Floats, y: Floats) -> None:
        """Take in all examples, as `update` would one by one."""
        start = self.weights
        self.weights, gram = ridge(x, y, start, 1.0 / self.uncertainty)
        self._start = self.weights.copy()
        covariance = np.linalg.inv(gram)
        self.covariance = np.ascontiguousarray((covariance + covariance.T) / 2.0)
        errors, moved = y - x @ self.weights, self.weights - start
        self._shape += len(y) / 2.0
        self._scale += float(errors @ errors + moved @ moved / self.uncertainty) / 2.0


class Bayesian(Composed):
    """Learn online by Bayesian linear regression, which knows how sure it is.

    Parameters
    ----------
    uncertainty
        Variance of each weight at the start, in units of the noise, above 0.
    noise
        Deviation of outcomes expected at the start, above 0.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> Bayesian(noise=0.05).noise
    0.05
    """

    def __init__(
        self,
        uncertainty: float = 100.0,
        noise: float = 0.1,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.uncertainty, self.noise = uncertainty, noise
        checks = [number("uncertainty", uncertainty, above=0), number("noise", noise, above=0)]
        learner = BayesianRegression(2 * len(resources) + 1, uncertainty, noise)
        super().__init__("bayesian", learner, checks, features, alpha, resources, target)
