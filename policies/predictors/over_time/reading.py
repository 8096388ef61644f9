"""The contract of a reading over time: a batch's overlaps, weighed."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from isim.policies.predictors.predictor import CoRunner, Member, Stay

Slowdown = Callable[[Member, Sequence[Member]], float]
"""Of a batch while the same others are beside it."""
ReadingName = Literal["static", "ewma", "ewma-predicted", "overlap", "remaining"]


class Weighed(NamedTuple):
    """An overlap, and how much it counts."""

    weight: float
    """Those of a batch add up to 1."""
    co_runners: tuple[Member, ...]


class Reading(Protocol):
    """Weighs the overlaps of a batch: what turns a model of constant co-location into one of changing co-location."""

    of_predictions: bool
    """Whether predictions of each overlap are averaged, and not its features."""

    def ahead(
        self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay], slowdown: Slowdown
    ) -> list[Weighed]:
        """Return the overlaps to reckon with, as a scheduler sees them.

        Parameters
        ----------
        target, co_runners, so_far
            As in `Predictor.predict`.
        slowdown
            The model that asks.
        """
        ...

    def behind(self, stays: Sequence[Stay]) -> list[Weighed]:
        """Return the overlaps to learn from, of a batch that finished."""
        ...


def is_over(target: Member, co_runners: Sequence[CoRunner], elapsed_s: float) -> bool:
    """Return whether a batch that has been on the GPU for `elapsed_s` has finished, as far as one can tell.

    Examples
    --------
    >>> is_over(Member("a", 1, 0.002, {}), [], 0.003)
    True
    """
    return not co_runners and elapsed_s >= target.solo_s * (1.0 - 1e-9)


def members(co_runners: Sequence[CoRunner]) -> tuple[Member, ...]:
    """Return the members, in the same order.

    Examples
    --------
    >>> members([])
    ()
    """
    return tuple([member for member, _ in co_runners])
