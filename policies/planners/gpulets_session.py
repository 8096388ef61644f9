"""What gpulets' planner places, and how large a part of a GPU suits it."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

PARTS = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Shares of the SMs that a part may have."""
_LEAST_GAIN = 0.05
"""Relative throughput that a larger part must add to be worth it."""


class Session(NamedTuple):
    """A model with objective and rate, and what was measured of it on parts of a GPU."""

    name: str
    slo_s: float
    rate_rps: float
    batch_sizes: tuple[int, ...]
    duration_s: Callable[[int, float], float]
    """Of a batch size on a part of the SMs."""


def best_part(session: Session) -> float:
    """Return the part up to which a larger one adds the most throughput per share of the GPU, by 5 % or more."""
    possible = [part for part in PARTS if largest_batch(session, part)]
    if not possible:
        raise ValueError(
            f"session {session.name}: the SLO is shorter than two batches of {session.batch_sizes[0]} on a whole GPU "
            f"(found {session.slo_s:g} s); raise the SLO"
        )
    best, best_slope = possible[0], throughput_rps(session, possible[0]) / possible[0]
    for smaller, larger in pairwise(possible):
        before, after = throughput_rps(session, smaller), throughput_rps(session, larger)
        slope = (after - before) / (larger - smaller)
        if after >= before * (1 + _LEAST_GAIN) and slope >= best_slope * (1 - 1e-9):
            best, best_slope = larger, slope
    return best


def largest_batch(session: Session, part: float) -> int:
    """Return the largest batch size of which two, one waiting, hold the objective on a part; 0 if none does."""
    fitting: Sequence[int] = [
        size for size in session.batch_sizes if 2 * session.duration_s(size, part) <= session.slo_s
    ]
    return max(fitting, default=0)


def throughput_rps(session: Session, part: float) -> float:
    """Return how many requests per second the largest batches serve on a part."""
    size = largest_batch(session, part)
    return size / session.duration_s(size, part)
