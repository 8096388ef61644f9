"""Recursive least squares with forgetting."""

from typing import Literal

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.parameters import choice
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.recursion import correct, dot, is_sound, quadratic
from isim.policies.predictors.learned.ridge import ridge
from isim.policies.predictors.learned.spread import Spread
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number

WarmStart = Literal["weights", "all"]
_MOST_WEIGHT = 1e12
_WIND_UP = 100.0
"""Uncertainty may grow to so many times that of the start."""


class RecursiveLeastSquares:
    """Minimise sum_i f^(n-i) (y_i - w'x_i)^2 + f^n l |w - w_0|^2, exactly and one example at a time.

    It starts anew (`resets` counts this) if rounding has broken it, and does not
    forget while that would make it more uncertain than 100 times the start (wind-up).

    Parameters
    ----------
    size
        Features.
    forgetting
        f, above 0, at most 1 (nothing is forgotten).
    regulariser
        l, above 0.
    warm_start
        What `fit` leaves: `weights` alone, as uncertain as at the start, or `all`.
    start
        w_0, shape (size,); (0, ..., 0, 1) if left out.

    Examples
    --------
    >>> learner = RecursiveLeastSquares(2, forgetting=1.0, regulariser=1e-6)
    >>> for x in (0.0, 1.0, 2.0):
    ...     learner.update(np.array([x, 1.0]), 1.0 + 0.5 * x)
    >>> round(learner.predict(np.array([4.0, 1.0]))[0], 5)
    3.0

    References
    ----------
    S. Haykin, Adaptive Filter Theory, chapter "Recursive least-squares".
    """

    def __init__(
        self,
        size: int,
        forgetting: float = 1.0,
        regulariser: float = 1.0,
        warm_start: WarmStart = "weights",
        start: Floats | None = None,
    ) -> None:
        self.forgetting, self.regulariser, self.warm_start = forgetting, regulariser, warm_start
        self.weights = np.zeros(size) if start is None else start.copy()
        if start is None:
            self.weights[-1] = 1.0
        self.covariance = np.eye(size) / regulariser
        self.resets = 0
        self._start = self.weights.copy()
        self._spread = Spread()

    def predict(self, x: Floats) -> tuple[float, float]:
        """Return w'x, and the spread of recent errors widened by the uncertainty of w."""
        variance = self._spread.mean_square * (1.0 + quadratic(self.covariance, x))
        return dot(self.weights, x), variance**0.5

    def update(self, x: Floats, y: float) -> None:
        """Take in one example."""
        most_trace = _WIND_UP * x.size / self.regulariser
        forgetting = self.forgetting
        error = correct(self.weights, self.covariance, x, y, forgetting, forgetting, 0.0, most_trace)
        if is_sound(self.weights, self.covariance, _MOST_WEIGHT):
            self._spread.add(error)
        else:
            self.resets += 1
            self.weights = self._start.copy()
            self.covariance = np.eye(x.size) / self.regulariser

    def fit(self, x: Floats, y: Floats) -> None:
        """Solve for all examples at once, none forgotten."""
        weights, gram = ridge(x, y, self.weights, self.regulariser)
        covariance = np.linalg.inv(gram)
        self.start_from(weights, (covariance + covariance.T) / 2.0 if self.warm_start == "all" else self.covariance)
        self._spread.start(y - x @ self.weights)

    def start_from(self, weights: Floats, covariance: Floats) -> None:
        """Hold these weights, and be as unsure of them as `covariance` says, shape (size, size)."""
        self.weights, self._start = weights.copy(), weights.copy()
        self.covariance = np.ascontiguousarray(covariance)


class Rls(Composed):
    """Learn online by recursive least squares, the paper's adaptive model.

    The paper gives "lambda = 1, alpha = 0.98" and not which one forgets: `forgetting=0.98,regulariser=1` and
    `forgetting=1,regulariser=1` are the two readings.

    Parameters
    ----------
    forgetting
        Weight of an example relative to the next, above 0, at most 1.
    regulariser
        Of the weights about their start, above 0.
    warm_start
        What training beforehand leaves: `weights` alone, as uncertain as at the start, or `all`.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> Rls(forgetting=1.0).forgetting
    1.0
    """

    def __init__(
        self,
        forgetting: float = 0.98,
        regulariser: float = 1.0,
        warm_start: WarmStart = "weights",
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.forgetting, self.regulariser, self.warm_start = forgetting, regulariser, warm_start
        checks = [
            number("forgetting", forgetting, above=0, at_most=1),
            number("regulariser", regulariser, above=0),
            choice("warm_start", warm_start, "weights", "all"),
        ]
        learner = RecursiveLeastSquares(2 * len(resources) + 1, forgetting, regulariser or 1.0, warm_start)
        super().__init__("rls", learner, checks, features, alpha, resources, target)
