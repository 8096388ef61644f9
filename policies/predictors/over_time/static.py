"""What was beside a batch when it was dispatched."""

from collections.abc import Sequence

from isim.policies.predictors.over_time.reading import Slowdown, Weighed, members
from isim.policies.predictors.predictor import CoRunner, Member, Stay


class Static:
    """Count the state at dispatch alone, as models do that place work before it runs (gpulets, USENIX ATC'22).

    Examples
    --------
    >>> b = Member("b", 1, 0.004, {})
    >>> Static().behind([Stay(0.001, (b,)), Stay(0.009, ())]) == [(1.0, (b,))]
    True
    """

    of_predictions = False

    def ahead(
        self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay], slowdown: Slowdown
    ) -> list[Weighed]:
        """Return who is beside it now, or was at its dispatch."""
        return [Weighed(1.0, tuple(so_far[0].co_runners) if so_far else members(co_runners))]

    def behind(self, stays: Sequence[Stay]) -> list[Weighed]:
        """Return who was beside it at its dispatch."""
        return [Weighed(1.0, tuple(stays[0].co_runners) if stays else ())]
