"""Stochastic gradient descent."""

from typing import Literal

from isim.policies.kernels import Floats
from isim.policies.parameters import choice
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.recursion import add_scaled, dot
from isim.policies.predictors.learned.stepped import Stepped
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number

Schedule = Literal["constant", "inverse-sqrt"]


class GradientDescent(Stepped):
    """Follow the gradient of the squared error of each example: w += eta e x.

    A step longer than eta = 1 / x'x would overshoot the example and could diverge, so it is cut there.

    Parameters
    ----------
    size
        Features.
    rate
        eta, above 0.
    schedule
        `constant`, or `inverse-sqrt`: eta / sqrt(t) at the t-th example.
    clip
        Largest |e| that counts, above 0; larger ones count as this.

    Examples
    --------
    >>> import numpy as np
    >>> learner = GradientDescent(2, rate=0.1)
    >>> learner.update(np.array([0.5, 1.0]), 2.0)
    >>> learner.weights.tolist()
    [0.05, 1.1]
    """

    def __init__(
        self, size: int, rate: float = 0.02, schedule: Schedule = "constant", clip: float | None = None
    ) -> None:
        super().__init__(size)
        self.rate, self.schedule, self.clip = rate, schedule, clip
        self._count = 0

    def update(self, x: Floats, y: float) -> None:
        """Take one step."""
        error = y - dot(self.weights, x)
        self._spread.add(error)
        self._count += 1
        rate = self.rate if self.schedule == "constant" else self.rate / self._count**0.5
        if self.clip is not None:
            error = min(max(error, -self.clip), self.clip)
        add_scaled(self.weights, x, min(rate, 1.0 / dot(x, x)) * error)


class Sgd(Composed):
    """Learn online by stochastic gradient descent.

    Parameters
    ----------
    rate
        Step per unit of gradient, above 0; the paper does not give its own.
    schedule
        `constant`, or `inverse-sqrt`.
    clip
        Largest error that counts, above 0; `none` for any.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> Sgd(rate=0.1).rate
    0.1
    """

    def __init__(
        self,
        rate: float = 0.02,
        schedule: Schedule = "constant",
        clip: float | None = None,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        self.rate, self.schedule, self.clip = rate, schedule, clip
        checks = [number("rate", rate, above=0), choice("schedule", schedule, "constant", "inverse-sqrt")]
        if clip is not None:
            checks.append(number("clip", clip, above=0))
        learner = GradientDescent(2 * len(resources) + 1, rate, schedule, clip)
        super().__init__("sgd", learner, checks, features, alpha, resources, target)
