"""The contention model `block-scheduler` without one of its terms, to see what each is worth."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numba import njit

from isim.contention.block_scheduler import BlockScheduler
from isim.contention.contract import SPEEDS, Floats
from isim.operations import Operations

_NEEDED, _HELD, _SM, _L2, _DRAM = range(5)
"""Columns of its demand."""


class Whole(BlockScheduler):
    """All terms, `hold` as it is."""

    what = "all terms"
    search: ClassVar[Mapping[str, tuple[float, ...]]] = {"kappa": BlockScheduler.search["kappa"]}

    def __init__(self, kappa: float = 1.025, hold: float = 0.75, crowding: float = 0.05) -> None:
        super().__init__(kappa, hold, crowding)


class WithoutHold(Whole):
    """A kernel holds SMs only as far as it is busy."""

    what = "a kernel holds no more than it is busy (hold 0)"

    def __init__(self, kappa: float = 1.025) -> None:
        super().__init__(kappa, hold=0.0)


class WithoutCrowding(Whole):
    """Kernels on SMs of their own slow each other by the resources of the profile alone."""

    what = "no crowding"

    def __init__(self, kappa: float = 1.025) -> None:
        super().__init__(kappa, crowding=0.0)


class WithoutGrids(Whole):
    """Every grid fills the GPU."""

    what = "every grid fills the GPU (no `sm_needed`)"

    def demand(self, operations: Operations) -> Floats:
        """Take every kernel for one that can fill all SMs."""
        demand = super().demand(operations)
        kernels = demand[:, _NEEDED] > 0
        demand[kernels, _HELD] /= demand[kernels, _NEEDED]
        demand[kernels, _NEEDED] = 1.0
        return demand


class WithoutIssueSlots(Whole):
    """Kernels on one SM issue as if alone."""

    what = "no shared issue slots"

    def demand(self, operations: Operations) -> Floats:
        """Ask for none."""
        demand = super().demand(operations)
        demand[:, _SM] = 0.0
        return demand


class WithoutMemory(Whole):
    """L2 and DRAM serve everyone as if alone."""

    what = "no shared L2 and DRAM"

    def demand(self, operations: Operations) -> Floats:
        """Ask for neither."""
        demand = super().demand(operations)
        demand[:, [_L2, _DRAM]] = 0.0
        return demand


@njit(SPEEDS)
def _proportional(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    kappa, crowding, floor = parameters[0], parameters[1], parameters[2]
    filled = held = sm = l2 = dram = busy = 0.0
    for k in range(count):
        needed, granted = demand[running[k], 0], 1.0
        if needed > 0.0:
            granted = min(1.0, max(floor, 1.0 - kappa * held, (1.0 - filled) / needed))
            filled += needed
            held += demand[running[k], 1]
        speed[k] = granted
        sm += demand[running[k], 2] * granted
        l2 += demand[running[k], 3] * granted
        dram += demand[running[k], 4] * granted
        busy += demand[running[k], 7] * granted
    for k in range(count):
        slowdown = 1.0 + crowding * (busy - demand[running[k], 7] * speed[k])
        for resource, total in ((2, sm), (3, l2), (4, dram)):
            if demand[running[k], resource] > 0.0:
                slowdown = max(slowdown, total)
        speed[k] /= slowdown


class ProportionalMemory(Whole):
    """L2 and DRAM slow nobody before their peak is reached. No copies over the link."""

    what = "L2 and DRAM shared in proportion, not super-additive"
    speeds = staticmethod(_proportional)


class SharedMemoryIsL2(Whole):
    """The composite `memory` stands for L2, as it does in `fair` and `roofline`."""

    what = "`memory` stands for L2 as well"

    def demand(self, operations: Operations) -> Floats:
        """Ask L2 for what the composite says, where L2 itself was not measured."""
        demand = super().demand(operations)
        composite = np.nan_to_num(operations.columns["memory"])
        kernels = demand[:, _NEEDED] > 0
        demand[kernels, _L2] = np.maximum(demand[kernels, _L2], composite[kernels])
        return demand


ABLATIONS = (
    Whole, WithoutHold, WithoutCrowding, WithoutGrids, WithoutIssueSlots, WithoutMemory, ProportionalMemory,
    SharedMemoryIsL2,
)  # fmt: skip
