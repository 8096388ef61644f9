"""The exponentially weighted moving average over changes of co-location."""

from collections.abc import Sequence

from isim.policies.predictors.over_time.reading import Slowdown, Weighed, is_over, members
from isim.policies.predictors.predictor import CoRunner, Member, Stay


class Ewma:
    """Weigh by recency: s_0 = z_0, then s_k = alpha z_k + (1 - alpha) s_(k-1) at every change of the co-runners.

    The paper ("ML Inference Scheduling with Predictable Latency", 2025) names such an average and not what of; both
    readings are here.

    Parameters
    ----------
    alpha
        Weight of the newest state, above 0, at most 1.
    of_predictions
        Average the predictions of each state, and not the features; a model of it learns from the state at dispatch.

    Examples
    --------
    >>> b = Member("b", 1, 0.004, {})
    >>> stays = [Stay(0.001, (b,)), Stay(0.009, ()), Stay(0.002, (b,))]
    >>> Ewma(0.5).behind(stays) == [(0.25, (b,)), (0.25, ()), (0.5, (b,))]
    True
    """

    def __init__(self, alpha: float, of_predictions: bool = False) -> None:
        self.alpha = alpha
        self.of_predictions = of_predictions

    def ahead(
        self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay], slowdown: Slowdown
    ) -> list[Weighed]:
        """Return what was beside it and, unless it is over, what is now."""
        states = [tuple(stay.co_runners) for stay in so_far]
        if not states or not is_over(target, co_runners, sum([stay.duration_s for stay in so_far])):
            states.append(members(co_runners))
        return self._weigh(states)

    def behind(self, stays: Sequence[Stay]) -> list[Weighed]:
        """Return every state it was in; the first alone, if predictions are averaged."""
        states = [tuple(stay.co_runners) for stay in stays] or [()]
        return self._weigh(states[:1] if self.of_predictions else states)

    def _weigh(self, states: Sequence[tuple[Member, ...]]) -> list[Weighed]:
        changes = [states[0]]
        for state in states[1:]:
            if _who(state) != _who(changes[-1]):
                changes.append(state)
        weighed, left = [], 1.0
        for state in reversed(changes[1:]):
            weighed.append(Weighed(left * self.alpha, state))
            left *= 1.0 - self.alpha
        weighed.append(Weighed(left, changes[0]))
        return weighed[::-1]


def _who(state: tuple[Member, ...]) -> list[tuple[str, int, float]]:
    return sorted([(member.model, member.batch_size, member.sm_share) for member in state])
