"""Max-min fair shares of every resource; a kernel runs as fast as its scarcest one allows."""

import numpy as np
from numba import njit

from isim.contention.contract import SPEEDS, Floats
from isim.contention.shared_resources import shared_demands
from isim.operations import Operations


@njit(SPEEDS, cache=True)
def _speeds(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = 1.0
    if count == 1:
        return
    for resource in range(demand.shape[1]):
        total = 0.0
        for k in range(count):
            total += demand[running[k], resource]
        if total <= 1.0:
            continue
        # Water filling: raise the level until those below it leave exactly the level to each of the others.
        level = 1.0 / count
        satisfied = -1
        while True:
            left, below = 1.0, 0
            for k in range(count):
                u = demand[running[k], resource]
                if u <= level:
                    left -= u
                    below += 1
            if below in (satisfied, count):
                break
            satisfied = below
            level = left / (count - below)
        for k in range(count):
            u = demand[running[k], resource]
            if u > level:
                speed[k] = min(speed[k], level / u)


class Roofline:
    """Grant each resource max-min fairly; speed = least (granted / asked) over the resources.

    Source: water filling per resource of capacity 1, as in Bertsekas and Gallager, Data Networks, section 6.5.2.
    It needs no fit, and is not calibrated for any GPU.

    Examples
    --------
    >>> Roofline().name
    'roofline'
    """

    name = "roofline"
    speeds = staticmethod(_speeds)

    @property
    def parameters(self) -> Floats:
        """None."""
        return np.zeros(0)

    def demand(self, operations: Operations) -> Floats:
        """Need `sm`, and `l2` and `dram` or their composite `memory`."""
        return shared_demands(operations, self.name)
