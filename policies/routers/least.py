"""Find the GPU with the least of something."""

from bisect import bisect_right
from collections.abc import Sequence


def least(values: Sequence[int], able: Sequence[int], after: int) -> int:
    """Return the GPU of `able` with the lowest value; of several, the first one after the GPU `after`, round the ring.

    Parameters
    ----------
    values
        By GPU.
    able
        GPUs to choose from, ascending.

    Examples
    --------
    >>> least([1, 0, 2, 0], able=(0, 1, 2, 3), after=1), least([1, 0, 2, 0], able=(0, 2), after=0)
    (3, 0)
    """
    if len(able) == len(values):  # all of them: as fast as a list can
        lowest = min(values)
        try:
            return values.index(lowest, after + 1)
        except ValueError:
            return values.index(lowest)
    start = bisect_right(able, after)
    return min((*able[start:], *able[:start]), key=values.__getitem__)
