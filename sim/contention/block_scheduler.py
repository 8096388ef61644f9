"""Blocks of older kernels keep the SMs; those that run at once share issue slots, L2, DRAM and links."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numba import njit

from isim.contention.contract import SPEEDS, Floats
from isim.errors import ContentionError
from isim.operations import Operations

_FLOOR = 0.02
"""Even a starved kernel gets on: blocks of the older kernel retire one by one."""
_NEEDED, _HELD, _SM, _L2, _DRAM, _INBOUND, _OUTBOUND, _BUSY = range(8)
"""Columns of the demand."""


@njit(SPEEDS, cache=True)
def _speeds(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    kappa, crowding, floor = parameters[0], parameters[1], parameters[2]
    filled = held = sm = l2 = dram = inbound = outbound = busy = 0.0
    for k in range(count):
        i = running[k]
        needed = demand[i, _NEEDED]
        granted = 1.0
        if needed > 0.0:
            granted = min(1.0, max(floor, 1.0 - kappa * held, (1.0 - filled) / needed))
            filled += needed
            held += demand[i, _HELD]
        speed[k] = granted
        # What is held up asks less of everything else.
        sm += demand[i, _SM] * granted
        l2 += demand[i, _L2] * granted
        dram += demand[i, _DRAM] * granted
        inbound += demand[i, _INBOUND]
        outbound += demand[i, _OUTBOUND]
        busy += demand[i, _BUSY] * granted
    for k in range(count):
        i = running[k]
        granted = speed[k]
        slowdown = 1.0
        if demand[i, _NEEDED] > 0.0:
            slowdown += crowding * (busy - demand[i, _BUSY] * granted)
        if demand[i, _SM] > 0.0:
            slowdown = max(slowdown, sm)
        asked = demand[i, _L2] * granted
        slowdown = max(slowdown, 1.0 + asked * (l2 - asked))
        asked = demand[i, _DRAM] * granted
        slowdown = max(slowdown, 1.0 + asked * (dram - asked))
        if demand[i, _INBOUND] > 0.0:
            slowdown = max(slowdown, inbound)
        if demand[i, _OUTBOUND] > 0.0:
            slowdown = max(slowdown, outbound)
        speed[k] = granted / slowdown


class BlockScheduler:
    """Give SMs to kernels in the order in which they started, then let those that run share what an SM shares.

    1. A kernel that can fill n of the SMs (`sm_needed`; all where it is not measured) gets the larger of the room that
       the grids of older ones leave, (1 - sum of their n) / n, and of what they leave over time, 1 - kappa * (sum of
       their n * max(u, hold)), u being their largest measured column; at least 0.02.
    2. Demands shrink by what was granted. Issue slots (`sm`) are shared in proportion. On L2 (where it was measured)
       and on DRAM a kernel that asks a is slowed by 1 + a * (sum of what the others ask): requests queue before the
       peak is reached. Whatever runs at once slows a kernel by 1 + crowding * (sum of what the others do of their
       u): by power and clock, translation, and whatever else no column tells of. The worst counts: speed = granted /
       slowdown.

    Copies share the link of their direction in proportion and hold no SMs.

    Parameters
    ----------
    kappa
        How much of what older kernels hold is lost to a newer one, 0 to 2: 1 / the largest utilisation that a kernel
        can reach.
    hold
        What a kernel holds at least of the SMs that its grid fills, however little it does there, 0..1.
    crowding
        How much a fully busy co-runner on SMs of its own slows a kernel, 0..1.

    Raises
    ------
    ContentionError
        A parameter is out of its range.

    References
    ----------
    Leftover dispatch of blocks: Gilman and Walls, *Characterizing Concurrency Mechanisms for NVIDIA GPUs under Deep
    Learning Workloads*, 2021. What kernels share: Elvinger et al., *Measuring GPU utilization one level deeper*, 2025.
    What each term explains stands in docs/validation.md.

    Examples
    --------
    >>> BlockScheduler(kappa=1.05, hold=0.8).parameters
    array([1.05, 0.05, 0.02])
    """

    name = "block-scheduler"
    search: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "kappa": (0.9, 0.95, 1.0, 1.025, 1.05, 1.1),
        "hold": (0.0, 0.75),
        "crowding": (0.0, 0.05, 0.1),
    }
    speeds = staticmethod(_speeds)

    def __init__(self, kappa: float = 1.025, hold: float = 0.75, crowding: float = 0.05) -> None:
        problems = [
            f"contention block-scheduler: {name} must be 0..{most} (got {value}); write {name}={example}"
            for name, value, most, example in (
                ("kappa", kappa, 2, 1.025), ("hold", hold, 1, 0.75), ("crowding", crowding, 1, 0.05),
            )
            if not 0.0 <= value <= most
        ]  # fmt: skip
        if problems:
            raise ContentionError(*problems)
        self.kappa = kappa
        self.hold = hold
        self.crowding = crowding

    @property
    def parameters(self) -> Floats:
        """kappa, crowding and the floor."""
        return np.array([self.kappa, self.crowding, _FLOOR])

    def demand(self, operations: Operations) -> Floats:
        """Need `sm`, and `dram` or the composite `memory`; `l2`, `tensor` and `sm_needed` count where measured."""
        columns = operations.columns
        kernels = (operations.kinds == "kernel") & (operations.duration_s > 0)

        def measured(name: str, otherwise: float) -> Floats:
            return np.where(np.isnan(columns[name]), otherwise, columns[name])

        sm = operations.needed("sm", None, self.name)
        dram = operations.needed("dram", "memory", self.name)
        busy = np.stack([sm, dram, *(measured(name, 0.0) for name in ("memory", "tensor", "l2"))]).max(axis=0)
        # The composite `memory` does not stand for L2: in a kernel of matrix products it is the SM's own memory.
        within = np.isin(operations.kinds, ("memset", "memcpy_d2d"))
        l2 = np.where(operations.is_copy, 0.0, np.where(within, dram, measured("l2", 0.0)))
        needed = np.where(kernels, measured("sm_needed", 1.0), 0.0)  # copies and moves within the device need no SM
        held = needed * np.maximum(busy, self.hold)
        links = (operations.link("memcpy_h2d"), operations.link("memcpy_d2h"))
        busy = np.where(kernels, busy, 0.0)
        return np.ascontiguousarray(np.column_stack([needed, held, sm, l2, dram, *links, busy]))
