"""A predictor composed of features over time, a learner and a target."""

import copy
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from isim.errors import PredictorError
from isim.policies.kernels import Floats
from isim.policies.parameters import Check, choice
from isim.policies.predictors.doubt import Doubt
from isim.policies.predictors.learned.learner import Learner
from isim.policies.predictors.left_out import Says, leave_out
from isim.policies.predictors.loads import Loads
from isim.policies.predictors.mix import mix_of
from isim.policies.predictors.observed import MOST_SLOWDOWN, check_observation
from isim.policies.predictors.over_time.named import make_reading
from isim.policies.predictors.over_time.reading import ReadingName, Weighed, members
from isim.policies.predictors.parameters import check_parameters, number
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Stay

RESOURCES = ("sm", "l2", "dram")
Target = Literal["ratio", "absolute"]


class Composed:
    """Learn slowdown from the use of resources: a batch's own and, over its life, that of all beside it together.

    The features are those of "ML Inference Scheduling with Predictable Latency" (2025): mean SM, L2 and DRAM throughput
    of the batch and of its co-runner, and 1; with several co-runners their sum, which is our extension. Before it has
    learned, it predicts 1. Predictions are held to at least 1. The deviation that the learner states is widened where a
    mix of models was met seldom or never (see `Doubt`).

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
        self._doubt = Doubt()
        self._scale: tuple[Floats, Floats] | None = None

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return the slowdown, from what is beside the batch and was."""
        overlaps = self._reading.ahead(target, co_runners, so_far, self._slowdown)
        if self._reading.of_predictions:
            states = [(weight, *self._ask(target, [Weighed(1.0, those)])) for weight, those in overlaps]
            mean, sd = (sum([state[0] * state[i] for state in states]) for i in (1, 2))
        else:
            mean, sd = self._ask(target, overlaps)
        variance = min(sd, MOST_SLOWDOWN) ** 2 + self._doubt.variance(mix_of(target, so_far, members(co_runners)))
        return Prediction(min(max(mean, 1.0), MOST_SLOWDOWN), min(variance**0.5, MOST_SLOWDOWN))

    def learn(self, observation: Observation) -> None:
        """Correct the learner by one batch."""
        check_observation(self._name, observation)
        x = self._scaled(self._features(observation.target, self._reading.behind(observation.stays)))
        self._doubt.learn(mix_of(observation.target, observation.stays), *self._error(x, observation))
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
        start = self.learner

        def trained(kept: list[int]) -> Says:
            self.learner = copy.deepcopy(start)
            self._train(x[kept], [batches[i] for i in kept])
            return lambda i: self._error(self._scaled(x[i]), batches[i])

        mixes = [mix_of(batch.target, batch.stays) for batch in batches]
        self._doubt.start(mixes, leave_out(mixes, trained))
        self.learner = start
        self._train(x, batches)

    def _train(self, x: Floats, batches: Sequence[Observation]) -> None:
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

    def _error(self, x: Floats, batch: Observation) -> tuple[float, float]:
        """Return the error of what is said at `x`, and the variance that the learner states."""
        mean, sd = self._at(x, batch.solo_s)
        return min(max(mean, 1.0), MOST_SLOWDOWN) - batch.duration_s / batch.solo_s, min(sd, MOST_SLOWDOWN) ** 2

    def _slowdown(self, target: Member, others: Sequence[Member]) -> float:
        return max(1.0, self._ask(target, [Weighed(1.0, tuple(others))])[0])

    def _ask(self, target: Member, overlaps: Sequence[Weighed]) -> tuple[float, float]:
        return self._at(self._scaled(self._features(target, overlaps)), target.solo_s)

    def _at(self, x: Floats, solo_s: float) -> tuple[float, float]:
        if self.target == "ratio":
            return self.learner.predict(x)
        solo_ms = 1e3 * solo_s
        mean_ms, sd_ms = self.learner.predict(x * solo_ms)
        return mean_ms / solo_ms, sd_ms / solo_ms

    def _features(self, target: Member, overlaps: Sequence[Weighed]) -> list[float]:
        own = self._loads(target)
        beside: list[float] | None = None
        for weight, those in overlaps:
            for member in those:
                loads = [weight * use for use in self._loads(member)]
                beside = loads if beside is None else [a + b for a, b in zip(beside, loads, strict=True)]
        return [*own, *(beside or [0.0] * len(own)), 1.0]

    def _scaled(self, features: list[float] | Floats) -> Floats:
        x = np.array(features)
        return x if self._scale is None else (x - self._scale[0]) * self._scale[1]
