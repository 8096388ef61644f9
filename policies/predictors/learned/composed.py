"""A predictor composed of features over time, a learner and a target."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from isim.errors import PredictorError
from isim.policies.kernels import Floats
from isim.policies.parameters import Check, choice
from isim.policies.predictors.learned.learner import Learner
from isim.policies.predictors.loads import Loads
from isim.policies.predictors.observed import MOST_SLOWDOWN, check_observation
from isim.policies.predictors.over_time.named import make_reading
from isim.policies.predictors.over_time.reading import ReadingName, Weighed
from isim.policies.predictors.parameters import check_parameters, number
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Stay

RESOURCES = ("sm", "l2", "dram")
Target = Literal["ratio", "absolute"]


class Composed:
    """Learn slowdown from the use of resources: a batch's own and, over its life, that of all beside it together.

    The features are those of "ML Inference Scheduling with Predictable Latency" (2025): mean SM, L2 and DRAM throughput
    of the batch and of its co-runner, and 1; with several co-runners their sum, which is our extension. Before it has
    learned, it predicts 1. Predictions are held to at least 1.

    Parameters
    ----------
    name
        In messages.
    learner
        Of 2 x resources + 1 features.
    checks
        Of the learner's parameters.
    features
        How co-runners over time become features: `static` as at dispatch, `ewma` and `ewma-predicted` averaged over
        changes, `overlap` weighed by duration, `remaining` likewise with co-runners leaving when their work is done.
    alpha
        Weight of the newest state in an `ewma`, above 0, at most 1.
    resources
        Columns of the profile; `memory` stands for `l2` and `dram` where only it was measured.
    target
        `ratio` learns measured / profiled; `absolute` the measured milliseconds, so that errors of long batches weigh
        more: its features are multiplied by the profiled milliseconds.

    Raises
    ------
    PredictorError
        A parameter is out of range; all at once.
    """

    def __init__(
        self,
        name: str,
        learner: Learner,
        checks: Sequence[Check],
        features: ReadingName,
        alpha: float,
        resources: tuple[str, ...],
        target: Target,
    ) -> None:
        check_parameters(
            name,
            *checks,
            choice("features", features, "static", "ewma", "ewma-predicted", "overlap", "remaining"),
            number("alpha", alpha, above=0, at_most=1),
            Check("resources", resources, len(resources) > 0 and all(resources), "at least one column of the profile"),
            choice("target", target, "ratio", "absolute"),
        )
        self.features, self.alpha, self.resources, self.target = features, alpha, resources, target
        self.learner = learner
        self._name = name
        self._loads = Loads(name, resources)
        self._reading = make_reading(features, alpha)
        self._scale: tuple[Floats, Floats] | None = None

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return the slowdown, from what is beside the batch and was."""
        overlaps = self._reading.ahead(target, co_runners, so_far, self._slowdown)
        if self._reading.of_predictions:
            states = [(weight, *self._ask(target, [Weighed(1.0, members)])) for weight, members in overlaps]
            mean, sd = (sum([state[0] * state[i] for state in states]) for i in (1, 2))
        else:
            mean, sd = self._ask(target, overlaps)
        return Prediction(min(max(mean, 1.0), MOST_SLOWDOWN), min(sd, MOST_SLOWDOWN))

    def learn(self, observation: Observation) -> None:
        """Correct the learner by one batch."""
        check_observation(self._name, observation)
        x = self._scaled(self._features(observation.target, self._reading.behind(observation.stays)))
        if self.target == "ratio":
            self.learner.update(x, observation.duration_s / observation.solo_s)
        else:
            self.learner.update(x * (1e3 * observation.solo_s), 1e3 * observation.duration_s)

    def fit(self, observations: Iterable[Observation]) -> None:
        """Start from batches measured earlier; features are standardised by the mean and deviation among these."""
        batches = list(observations)
        if not batches:
            raise PredictorError(f"predictor {self._name}: nothing to train on (found 0 batches); give some, or no fit")
        for batch in batches:
            check_observation(self._name, batch)
        x = np.array([self._features(batch.target, self._reading.behind(batch.stays)) for batch in batches])
        shift, sd = x.mean(axis=0), x.std(axis=0)
        shift[-1], sd[-1] = 0.0, 1.0
        self._scale = shift, 1.0 / np.where(sd > 1e-9, sd, 1.0)
        x = np.ascontiguousarray((x - shift) * self._scale[1])
        solo_s, duration_s = (
            np.array([getattr(batch, name) for batch in batches]) for name in ("solo_s", "duration_s")
        )
        if self.target == "ratio":
            self.learner.fit(x, duration_s / solo_s)
        else:
            self.learner.fit(x * (1e3 * solo_s[:, None]), 1e3 * duration_s)

    def _slowdown(self, target: Member, others: Sequence[Member]) -> float:
        return max(1.0, self._ask(target, [Weighed(1.0, tuple(others))])[0])

    def _ask(self, target: Member, overlaps: Sequence[Weighed]) -> tuple[float, float]:
        x = self._scaled(self._features(target, overlaps))
        if self.target == "ratio":
            return self.learner.predict(x)
        solo_ms = 1e3 * target.solo_s
        mean_ms, sd_ms = self.learner.predict(x * solo_ms)
        return mean_ms / solo_ms, sd_ms / solo_ms

    def _features(self, target: Member, overlaps: Sequence[Weighed]) -> list[float]:
        own = self._loads(target)
        beside = [0.0] * len(own)
        for weight, members in overlaps:
            for member in members:
                beside = [total + weight * use for total, use in zip(beside, self._loads(member), strict=True)]
        return [*own, *beside, 1.0]

    def _scaled(self, features: list[float]) -> Floats:
        x = np.array(features)
        return x if self._scale is None else (x - self._scale[0]) * self._scale[1]
