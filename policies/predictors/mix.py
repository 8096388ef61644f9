"""Who was with a batch for most of its time: batches of one mix err alike."""

from collections.abc import Sequence
from typing import NamedTuple

from isim.policies.predictors.predictor import Member, Stay

_ALONE = 1e-3
"""Share of its time up to which a batch counts as alone."""


class Mix(NamedTuple):
    """The models that were together, and for how much of the batch's time anybody was beside it."""

    models: tuple[str, ...]
    """Of the batch and of those beside it in its longest overlap with any, sorted."""
    share: float
    """0..1; 0 for a batch that was alone."""


def mix_of(target: Member, stays: Sequence[Stay], beside: Sequence[Member] = ()) -> Mix:
    """Return the mix of a batch.

    Parameters
    ----------
    stays
        What is behind it.
    beside
        Who will be beside it for what is left of its time alone, if anything is.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.002, {}), Member("b", 1, 0.002, {})
    >>> mix_of(a, [Stay(0.003, (b,)), Stay(0.001, ())])
    Mix(models=('a', 'b'), share=0.75)
    """
    total_s = beside_s = longest_s = 0.0
    company: Sequence[Member] = ()
    for duration_s, others in stays:
        total_s += duration_s
        if others:
            beside_s += duration_s
            if duration_s > longest_s:
                company, longest_s = others, duration_s
    left_s = target.solo_s - total_s
    if beside and left_s > 0.0:
        total_s += left_s
        beside_s += left_s
        if left_s > longest_s:
            company = beside
    if not beside_s > _ALONE * total_s:
        return Mix((target.model,), 0.0)
    return Mix(tuple(sorted([target.model, *[member.model for member in company]])), beside_s / total_s)
