"""No contention: every kernel runs as if alone."""

import numpy as np
from numba import njit

from isim.contention.contract import SPEEDS, Floats
from isim.operations import Operations


@njit(SPEEDS, cache=True)
def _speeds(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = 1.0


class NoContention:
    """Run every kernel at full speed whatever else runs: the lower bound on interference.

    Examples
    --------
    >>> NoContention().name
    'none'
    """

    name = "none"
    speeds = staticmethod(_speeds)

    @property
    def parameters(self) -> Floats:
        """None."""
        return np.zeros(0)

    def demand(self, operations: Operations) -> Floats:
        """Need no column."""
        return np.zeros((len(operations.kinds), 1))
