"""Least squares, learned once and then left alone."""

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.parameters import whole
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.recursion import dot
from isim.policies.predictors.learned.ridge import ridge
from isim.policies.predictors.learned.spread import Spread
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number


class LeastSquares:
    """Minimise sum (y - w'x)^2 + l |w - w_0|^2 over the first examples, w_0 = (0, ..., 0, 1).

    Parameters
    ----------
    size
        Features.
    regulariser
        l, above 0: ridge regression. As good as none at 1e-9.
    train
        Examples after which the weights are left alone; None for never. `fit` leaves them alone at once.

    Examples
    --------
    >>> learner = LeastSquares(2, train=2)
    >>> for y in (1.0, 2.0, 100.0):
    ...     learner.update(np.array([0.0, 1.0]), y)
    >>> round(learner.predict(np.array([0.0, 1.0]))[0], 5)
    1.5
    """

    def __init__(self, size: int, regulariser: float = 1e-9, train: int | None = None) -> None:
        self.regulariser, self.train = regulariser, train
        self.weights: Floats = np.zeros(size)
        self.weights[-1] = 1.0
        self._gram = regulariser * np.eye(size)
        self._moment = self._gram @ self.weights
        self._count = 0
        self._trained = False
        self._spread = Spread()

    def predict(self, x: Floats) -> tuple[float, float]:
        """Return w'x, and the spread of recent errors."""
        return dot(self.weights, x), self._spread.rms

    def update(self, x: Floats, y: float) -> None:
        """Take in one example, until enough are in; later ones only tell how far off it is."""
        self._spread.add(y - dot(self.weights, x))
        if self._trained:
            return
        self._gram += np.outer(x, x)
        self._moment += y * x
        self.weights[:] = np.linalg.solve(self._gram, self._moment)
        self._count += 1
        self._trained = self._count == self.train

    def fit(self, x: Floats, y: Floats) -> None:
        """Take in all examples, and no others."""
        self.weights, _ = ridge(x, y, self.weights, self.regulariser)
        self._trained = True
        self._spread.start(y - x @ self.weights)


class Linear(Composed):
    """Learn offline by least squares, the paper's baseline: trained once, then left alone.

    Parameters
    ----------
    regulariser
        Of the weights about their start, above 0: ridge regression.
    train
        Batches to learn from, where it was not trained beforehand; `none` never stops.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> Linear(train=100).train
    100
    """

    def __init__(
        self,
        regulariser: float = 1e-6,
        train: int | None = 500,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.regulariser, self.train = regulariser, train
        checks = [number("regulariser", regulariser, above=0), whole("train", train)]
        learner = LeastSquares(2 * len(resources) + 1, regulariser, train)
        super().__init__("linear", learner, checks, features, alpha, resources, target)
