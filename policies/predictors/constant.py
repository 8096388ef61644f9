"""One slowdown for every batch that is beside another."""

from collections.abc import Sequence

from isim.policies.predictors.observed import check_observation
from isim.policies.predictors.parameters import check_parameters, number
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Prediction, Stay


class Constant:
    """Expect the same slowdown of every batch that is, or was, beside another.

    Parameters
    ----------
    slowdown
        Co-located / solo, at least 1.

    Raises
    ------
    PredictorError
        `slowdown` is out of range.

    Examples
    --------
    >>> Constant(1.3).predict(Member("a", 1, 0.002, {}), [CoRunner(Member("b", 1, 0.004, {}))]).slowdown
    1.3
    """

    def __init__(self, slowdown: float = 1.5) -> None:
        check_parameters("constant", number("slowdown", slowdown, at_least=1))
        self.slowdown = slowdown

    def predict(self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay] = ()) -> Prediction:
        """Return the constant, or 1 for a batch that is and was alone."""
        beside = bool(co_runners) or any(stay.co_runners for stay in so_far)
        return Prediction(self.slowdown if beside else 1.0)

    def learn(self, observation: Observation) -> None:
        """Check the observation, and learn nothing from it."""
        check_observation("constant", observation)
