"""What models share that tell slowdown from who is there, and are carried over overlaps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from isim.policies.parameters import Check, choice
from isim.policies.predictors.observed import MOST_SLOWDOWN, check_observation
from isim.policies.predictors.over_time.named import make_reading
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import check_parameters, number
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Stay


class Instant(ABC):
    """Average over overlaps what `slowdown_beside` says of each; a batch alone is not slowed.

    Parameters
    ----------
    name
        In messages.
    checks
        Of the model's parameters.
    features
        How overlaps are weighed: `static` as at dispatch, `ewma` (and `ewma-predicted`) by recency, `overlap` by
        duration, `remaining` likewise with co-runners leaving when their work is done.
    alpha
        Weight of the newest state in an `ewma`, above 0, at most 1.

    Raises
    ------
    PredictorError
        A parameter is out of range; all at once.
    """

    def __init__(self, name: str, checks: Sequence[Check], features: ReadingName, alpha: float) -> None:
        check_parameters(
            name,
            *checks,
            choice("features", features, "static", "ewma", "ewma-predicted", "overlap", "remaining"),
            number("alpha", alpha, above=0, at_most=1),
        )
        self.features, self.alpha = features, alpha
        self._name = name
        self._reading = make_reading(features, alpha)

    @abstractmethod
    def slowdown_beside(self, target: Member, others: Sequence[Member]) -> float:
        """Return the slowdown of `target` while the same others, at least one, are beside it."""

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return the weighed mean over overlaps."""
        overlaps = self._reading.ahead(target, co_runners, so_far, self._slowdown)
        return Prediction(sum([weight * self._slowdown(target, others) for weight, others in overlaps]))

    def learn(self, observation: Observation) -> None:
        """Check the observation; a model that learns overrides this."""
        check_observation(self._name, observation)

    def _slowdown(self, target: Member, others: Sequence[Member]) -> float:
        return min(max(1.0, self.slowdown_beside(target, others)), MOST_SLOWDOWN) if others else 1.0
