"""Everyone slows alike, by the most oversubscribed resource."""

import numpy as np
from numba import njit

from isim.contention.contract import SPEEDS, Floats
from isim.contention.shared_resources import shared_demands
from isim.operations import Operations


@njit(SPEEDS, cache=True)
def _speeds(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    slowdown = 1.0
    if count > 1:
        for resource in range(demand.shape[1]):
            total = 0.0
            for k in range(count):
                total += demand[running[k], resource]
            slowdown = max(slowdown, total)
    for k in range(count):
        speed[k] = 1.0 / slowdown


class Fair:
    """Share proportionally: slowdown of all = max(1, largest total demand over the resources).

    Source: proportional bandwidth sharing, the coarsest of the roofline family.

    Examples
    --------
    >>> Fair().name
    'fair'
    """

    name = "fair"
    speeds = staticmethod(_speeds)

    @property
    def parameters(self) -> Floats:
        """None."""
        return np.zeros(0)

    def demand(self, operations: Operations) -> Floats:
        """Need `sm`, and `l2` and `dram` or their composite `memory`."""
        return shared_demands(operations, self.name)
