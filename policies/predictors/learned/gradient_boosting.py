"""Gradient-boosted trees."""

from typing import Any

from isim.policies.kernels import Floats
from isim.policies.parameters import Check, whole
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.window import Window, require_sklearn
from isim.policies.predictors.over_time.reading import ReadingName


class BoostedTrees(Window):
    """Boost regression trees (scikit-learn's `GradientBoostingRegressor`) on the latest examples.

    Parameters
    ----------
    trees, depth
        How many, and how deep each is.
    window, every
        See `Window`.
    seed
        Of ties between splits.
    """

    def __init__(self, trees: int, depth: int, window: int, every: int, seed: int) -> None:
        super().__init__(window, every)
        self.trees, self.depth, self.seed = trees, depth, seed
        self._model: Any = None

    def answer(self, x: Floats) -> float | None:
        """Return the sum over trees."""
        return None if self._model is None else float(self._model.predict(x[None])[0])

    def train(self, x: Floats, y: Floats) -> None:
        """Grow all trees anew."""
        from sklearn.ensemble import GradientBoostingRegressor

        self._model = GradientBoostingRegressor(
            n_estimators=self.trees, max_depth=self.depth, random_state=self.seed
        ).fit(x, y)


class GradientBoosting(Composed):
    """Learn by gradient-boosted trees on the latest batches, grown anew from time to time (needs the extra `learn`).

    Parameters
    ----------
    trees, depth
        How many, and how deep each is, at least 1.
    window
        Batches kept, at least 1.
    every
        Batches after which the trees are grown anew; 0 for never but in training beforehand.
    seed
        Of ties between splits.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range, or scikit-learn is not installed.

    Examples
    --------
    >>> GradientBoosting(trees=20).trees
    20
    """

    def __init__(
        self,
        trees: int = 100,
        depth: int = 3,
        window: int = 2000,
        every: int = 500,
        seed: int = 0,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        require_sklearn("gradient-boosting")
        self.trees, self.depth, self.window, self.every, self.seed = trees, depth, window, every, seed
        checks = [
            whole("trees", trees, required=True),
            whole("depth", depth, required=True),
            whole("window", window, required=True),
            Check("every", every, every >= 0, "a whole number of at least 0"),
        ]
        learner = BoostedTrees(trees, depth, window, every, seed)
        super().__init__("gradient-boosting", learner, checks, features, alpha, resources, target)
