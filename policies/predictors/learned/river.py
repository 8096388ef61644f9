"""Any regressor of the library river."""

import importlib
from typing import Any

import numpy as np

from isim.errors import PredictorError
from isim.policies.kernels import Floats
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.spread import Spread
from isim.policies.predictors.over_time.reading import ReadingName


class RiverRegressor:
    """Let anything with `predict_one` and `learn_one` be a learner; features are named x0, x1, ... without the last.

    Parameters
    ----------
    model
        The regressor.

    Examples
    --------
    >>> from river.linear_model import LinearRegression
    >>> learner = RiverRegressor(LinearRegression())
    >>> learner.update(np.array([0.5, 1.0]), 1.2)
    >>> len(learner.predict(np.array([0.5, 1.0])))
    2
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._count = 0
        self._spread = Spread()

    def predict(self, x: Floats) -> tuple[float, float]:
        """Return what it says, the last feature (1, or the time alone) before it learned or where it says no number."""
        said = self.model.predict_one(_named(x)) if self._count else None
        return (float(said) if said is not None and np.isfinite(said) else float(x[-1])), self._spread.rms

    def update(self, x: Floats, y: float) -> None:
        """Let it learn one example."""
        self._spread.add(y - self.predict(x)[0])
        self.model.learn_one(_named(x), y)
        self._count += 1

    def fit(self, x: Floats, y: Floats) -> None:
        """Let it learn many, in their order."""
        for row, value in zip(x, y.tolist(), strict=True):
            self.update(row, value)


class River(Composed):
    """Learn online by a regressor of river, at its default parameters (needs the extra `learn`).

    Parameters
    ----------
    model
        Where river has it: `linear_model.PARegressor`, `tree.HoeffdingTreeRegressor`. From Python, `RiverRegressor`
        takes any object.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range, river is not installed, or has no such regressor.

    Examples
    --------
    >>> River(model="linear_model.PARegressor").model
    'linear_model.PARegressor'
    """

    def __init__(
        self,
        model: str = "tree.HoeffdingTreeRegressor",
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.model = model
        super().__init__("river", RiverRegressor(_build(model)), [], features, alpha, resources, target)


def _build(model: str) -> Any:
    try:
        importlib.import_module("river")
    except ImportError:
        raise PredictorError("predictor river: river is not installed; install isim-serving[learn]") from None
    module, _, name = model.rpartition(".")
    try:
        built = getattr(importlib.import_module(f"river.{module}"), name)()
    except (ImportError, AttributeError, TypeError) as error:
        raise PredictorError(
            f"predictor river: no regressor {model} that can be built without parameters ({error}); "
            "name one such as linear_model.PARegressor"
        ) from None
    if not hasattr(built, "predict_one") or not hasattr(built, "learn_one"):
        raise PredictorError(f"predictor river: {model} has no predict_one and learn_one; name a regressor")
    return built


def _named(x: Floats) -> dict[str, float]:
    return {f"x{place}": value for place, value in enumerate(x[:-1].tolist())}
