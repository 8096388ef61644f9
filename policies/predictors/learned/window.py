"""The latest examples, for learners that are trained anew from time to time."""

from abc import ABC, abstractmethod
from collections import deque

import numpy as np

from isim.errors import PredictorError
from isim.policies.kernels import Floats
from isim.policies.predictors.learned.spread import Spread


class Window(ABC):
    """Keep the latest examples, train on them every so often, and predict by what `train` returns.

    Parameters
    ----------
    window
        Examples kept.
    every
        New examples after which it is trained anew; 0 for never, so that only `fit` trains.
    """

    def __init__(self, window: int, every: int) -> None:
        self.window, self.every = window, every
        self._x: deque[Floats] = deque(maxlen=window)
        self._y: deque[float] = deque(maxlen=window)
        self._new = 0
        self._spread = Spread()

    @abstractmethod
    def answer(self, x: Floats) -> float | None:
        """Return y at `x`; None before the first training."""

    @abstractmethod
    def train(self, x: Floats, y: Floats) -> None:
        """Train on these examples alone."""

    def predict(self, x: Floats) -> tuple[float, float]:
        """Return y at `x`, which is the last feature (1, or the time alone) before the first training."""
        said = self.answer(x)
        return (float(x[-1]) if said is None else said), self._spread.rms

    def update(self, x: Floats, y: float) -> None:
        """Keep one example, and train anew if it is time."""
        self._spread.add(y - self.predict(x)[0])
        if not self.every:
            return
        self._x.append(x.copy())
        self._y.append(y)
        self._new += 1
        if self._new >= self.every:
            self._new = 0
            self.train(np.array(self._x), np.array(self._y))

    def fit(self, x: Floats, y: Floats) -> None:
        """Train on many examples, of which the latest are kept."""
        self.train(x, y)
        self._x.extend(x.copy())
        self._y.extend(y.tolist())


def require_sklearn(predictor: str) -> None:
    """Raise where scikit-learn is not installed.

    Raises
    ------
    PredictorError
        It is not.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise PredictorError(
            f"predictor {predictor}: scikit-learn is not installed; install isim-serving[learn]"
        ) from None
