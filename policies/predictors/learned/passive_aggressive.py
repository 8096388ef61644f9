"""Passive-aggressive regression."""

from isim.policies.kernels import Floats
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.recursion import add_scaled, dot
from isim.policies.predictors.learned.stepped import Stepped
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number


class PassiveAggressive(Stepped):
    """Leave small errors alone, else step just so far that the error is small: PA-I.

    tau = min(C, max(0, |e| - eps) / x'x);  w += sign(e) tau x.

    Parameters
    ----------
    size
        Features.
    aggressiveness
        C, above 0.
    insensitivity
        eps, at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> learner = PassiveAggressive(2, aggressiveness=10.0, insensitivity=0.1)
    >>> learner.update(np.array([0.5, 1.0]), 2.0)
    >>> round(learner.predict(np.array([0.5, 1.0]))[0], 9)
    1.9

    References
    ----------
    K. Crammer et al., "Online passive-aggressive algorithms", JMLR 7, 2006.
    """

    def __init__(self, size: int, aggressiveness: float = 0.05, insensitivity: float = 0.02) -> None:
        super().__init__(size)
        self.aggressiveness, self.insensitivity = aggressiveness, insensitivity

    def update(self, x: Floats, y: float) -> None:
        """Take one step, or none."""
        error = y - dot(self.weights, x)
        self._spread.add(error)
        excess = abs(error) - self.insensitivity
        if excess > 0.0:
            step = min(self.aggressiveness, excess / dot(x, x))
            add_scaled(self.weights, x, step if error > 0.0 else -step)


class PassiveAggressiveRegression(Composed):
    """Learn online by passive-aggressive steps, which single outliers move little.

    Parameters
    ----------
    aggressiveness
        Longest step, above 0.
    insensitivity
        Error that is left alone, at least 0.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> PassiveAggressiveRegression(aggressiveness=1.0).aggressiveness
    1.0
    """

    def __init__(
        self,
        aggressiveness: float = 0.05,
        insensitivity: float = 0.02,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.aggressiveness, self.insensitivity = aggressiveness, insensitivity
        checks = [
            number("aggressiveness", aggressiveness, above=0),
            number("insensitivity", insensitivity, at_least=0),
        ]
        learner = PassiveAggressive(2 * len(resources) + 1, aggressiveness, insensitivity)
        super().__init__("passive-aggressive", learner, checks, features, alpha, resources, target)
