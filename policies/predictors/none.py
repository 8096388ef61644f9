"""No interference: every batch takes as long as alone."""

from collections.abc import Sequence

from isim.policies.predictors.observed import check_observation
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Stay


class NoInterference:
    """Expect every batch to take as long as alone: what a scheduler does that knows nothing of interference.

    Examples
    --------
    >>> NoInterference().predict(Member("a", 1, 0.002, {}), [])
    Prediction(slowdown=1.0, sd=0.0)
    """

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return a slowdown of 1."""
        return Prediction(1.0)

    def learn(self, observation: Observation) -> None:
        """Check the observation, and learn nothing from it."""
        check_observation("none", observation)
