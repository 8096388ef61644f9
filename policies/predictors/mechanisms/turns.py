"""What a batch loses where kernels take turns: between two of its own, each batch beside it runs one."""

from collections.abc import Sequence

from isim.policies.predictors.mechanisms.phases import operations_of
from isim.policies.predictors.predictor import Member


def lost_in_turns(target: Member, others: Sequence[Member]) -> float:
    """Return the loss of speed, 0..1, if every kernel waits for one of each batch beside it.

    1 - 1 / (1 + n w / T): n kernels in T seconds alone, and w the sum over others of (share of the time in which one of
    its kernels runs) x (mean of a kernel's duration x largest use). 0 where only averages were profiled.

    Examples
    --------
    >>> import numpy as np
    >>> from isim.policies.kernels import Kernels
    >>> short, long = (
    ...     Member(name, 1, s, {}, kernels=Kernels(np.zeros(1), np.array([s]), {"sm": np.array([1.0])}))
    ...     for name, s in (("short", 0.001), ("long", 0.003))
    ... )
    >>> lost_in_turns(short, [long]), lost_in_turns(long, [short])
    (0.75, 0.25)
    """
    if target.kernels is None:
        return 0.0
    waits_s = 0.0
    for other in others:
        if other.kernels is not None:
            gap_s, duration_s, uses = operations_of(other)
            busy = duration_s.sum() / (duration_s.sum() + gap_s.sum())
            waits_s += float(busy * (duration_s * uses.max(axis=1)).mean())
    return _loss(1.0 + len(target.kernels.duration_s) / target.solo_s * waits_s)


def most_lost(target: Member, others: Sequence[Member]) -> float:
    """Return the most that can be lost, 0..1, where no time is wasted: all but an equal share, or all others' turns.

    Batches that share evenly slow each other by their number at most. Where the kernel that started first goes first,
    each batch beside another runs one kernel at most while one of its own waits.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.002, {}), Member("b", 1, 0.002, {})
    >>> most_lost(a, [b])
    0.5
    """
    turns = 1.0
    if target.kernels is not None:
        rate = len(target.kernels.duration_s) / target.solo_s
        turns += rate * sum(float(operations_of(other)[1].mean()) for other in others if other.kernels is not None)
    return _loss(max(turns, 1.0 + len(others)))


def _loss(slowdown: float) -> float:
    return 1.0 - 1.0 / slowdown
