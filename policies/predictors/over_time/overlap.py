"""Every overlap by its duration."""

from collections.abc import Sequence

from isim.policies.predictors.over_time.reading import Slowdown, Weighed, members
from isim.policies.predictors.predictor import CoRunner, Member, Stay


class Overlap:
    """Weigh by duration: what is behind a batch by the clock, what is ahead as if the present lasted.

    Examples
    --------
    >>> b = Member("b", 1, 0.004, {})
    >>> Overlap().behind([Stay(0.001, (b,)), Stay(0.003, ())]) == [(0.25, (b,)), (0.75, ())]
    True
    """

    of_predictions = False

    def ahead(
        self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay], slowdown: Slowdown
    ) -> list[Weighed]:
        """Return what is behind it and, for what is left of its time alone, the present."""
        if not so_far:
            return [Weighed(1.0, members(co_runners))]
        left_s = target.solo_s - sum([stay.duration_s for stay in so_far])
        if left_s <= 0.0:
            return self.behind(so_far)
        return self.behind([*so_far, Stay(left_s, members(co_runners))])

    def behind(self, stays: Sequence[Stay]) -> list[Weighed]:
        """Return every overlap with its share of the time."""
        total_s = sum([stay.duration_s for stay in stays])
        if not total_s > 0.0:
            return [Weighed(1.0, tuple(stays[-1].co_runners) if stays else ())]
        return [Weighed(duration_s / total_s, co_runners) for duration_s, co_runners in stays]
