"""What a member's mean was taken over: not all of it need be beside the others."""

from collections.abc import Sequence
from typing import NamedTuple


class Window(NamedTuple):
    """The batches of one member of a closed loop that its mean is over."""

    batches: int = 0
    """After so many it ended; 0 if others ended first."""
    alone_s: float = 0.0
    """How long, of the time that they took, no other member ran."""


def averaged(windows: Sequence[Window], slowdowns: Sequence[float], solo_s: Sequence[float]) -> list[float]:
    """Return the slowdowns that a campaign with these windows reports.

    Members run together until the first of them has done its batches; some run on alone, at their solo speed.

    Parameters
    ----------
    windows
        By member; none if every mean is over time together only.
    slowdowns, solo_s
        By member: its slowdown beside the others, and how long a batch takes alone.

    Examples
    --------
    Two slow each other by 2. The second ends after 10 batches of a second, that is after 20 s, in which the first does
    10 of its own; then it does 5 more in 5 s:

    >>> averaged([Window(alone_s=5.0), Window(batches=10)], [2.0, 2.0], [1.0, 1.0])
    [1.6666666666666667, 2.0]
    """
    together_s = min(
        (
            window.batches * slowdown * own_s
            for window, slowdown, own_s in zip(windows, slowdowns, solo_s, strict=False)
            if window.batches
        ),
        default=0.0,
    )
    if not together_s:
        return list(slowdowns)
    return [
        (together_s + window.alone_s) / (together_s / slowdown + window.alone_s)
        for window, slowdown in zip(windows, slowdowns, strict=True)
    ]
