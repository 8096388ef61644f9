"""The mean slowdown of the batches that finished."""

import math
from collections.abc import Iterable, Sequence

from isim.policies.predictors.observed import check_observation
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Stay


class Mean:
    """Expect the mean slowdown of all batches that finished, those that were alone apart from those that were not.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.002, {}), Member("b", 1, 0.004, {})
    >>> mean = Mean()
    >>> for duration_s in (0.003, 0.004):
    ...     mean.learn(Observation(a, duration_s, [Stay(duration_s, (b,))], 0.002))
    >>> mean.predict(b, [CoRunner(a)]).slowdown
    1.75
    """

    def __init__(self) -> None:
        # By whether a batch was beside another: how many, their mean, and the sum of squares about it (Welford 1962).
        self._seen = {False: (0, 1.0, 0.0), True: (0, 1.0, 0.0)}

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return the mean, at least 1, and the standard deviation of single batches about it."""
        beside = bool(co_runners) or any(stay.co_runners for stay in so_far)
        count, mean, squares = self._seen[beside]
        return Prediction(max(1.0, mean), math.sqrt(squares / (count - 1)) if count > 1 else 0.0)

    def learn(self, observation: Observation) -> None:
        """Take the batch into the mean."""
        check_observation("mean", observation)
        beside = any(stay.co_runners for stay in observation.stays)
        count, mean, squares = self._seen[beside]
        error = observation.slowdown - mean
        count, mean = count + 1, mean + error / (count + 1)
        self._seen[beside] = count, mean, squares + error * (observation.slowdown - mean)

    def fit(self, observations: Iterable[Observation]) -> None:
        """Take in many."""
        for observation in observations:
            self.learn(observation)
