"""Blocks go to the SMs in the order of kernel starts; what runs then shares issue slots, pipes, L2 and DRAM."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numba import njit

from isim.contention.contract import SPEEDS, Floats
from isim.errors import ContentionError
from isim.operations import Operations

_FLOOR = 0.02
"""Even a starved kernel gets on: blocks of the older kernel retire one by one."""
_SM, _TENSOR, _L2, _DRAM, _INBOUND, _OUTBOUND, _NEEDED, _BUSY = range(8)
"""Columns of the demand."""


@njit(SPEEDS, cache=True)
def _speeds(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    kappa, rho, floor = parameters[0], parameters[1], parameters[2]
    held = sm = tensor = l2 = dram = inbound = outbound = 0.0
    for k in range(count):
        i = running[k]
        needed = demand[i, _NEEDED]
        granted = 1.0
        if needed > 0.0:
            granted = max(floor, min(1.0, (1.0 - held) / needed))
        speed[k] = granted
        held += kappa * needed * granted * (1.0 - rho * (1.0 - demand[i, _BUSY]))
        # What is held up asks less of everything else.
        sm += demand[i, _SM] * granted
        tensor += demand[i, _TENSOR] * granted
        l2 += demand[i, _L2] * granted
        dram += demand[i, _DRAM] * granted
        inbound += demand[i, _INBOUND]
        outbound += demand[i, _OUTBOUND]
    for k in range(count):
        i = running[k]
        granted = speed[k]
        slowdown = 1.0
        if demand[i, _SM] > 0.0:
            slowdown = max(slowdown, sm)
        if demand[i, _TENSOR] > 0.0:
            slowdown = max(slowdown, tensor)
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

    1. Of the SMs that a kernel's grid can fill (`sm_needed`; all where it is not measured), it gets what older kernels
       leave: granted = min(1, (1 - held by older ones) / needed), at least 0.02. It holds
       kappa * needed * granted * (1 - rho * (1 - u)), u being its largest measured column.
    2. Demands shrink by what was granted. Issue slots (`sm`) and tensor pipes are shared in proportion. On L2 (where it
       was measured) and on DRAM a kernel that asks a is slowed by 1 + a * (sum of what the others ask): requests queue
       before the peak is reached. The worst resource counts: speed = granted / slowdown.

    Copies share the link of their direction in proportion and hold no SMs.

    Parameters
    ----------
    kappa
        How much of the SMs that its grid can fill a busy kernel keeps over its life, 0..1: the rest falls free while
        its last blocks run out.
    rho
        How much of that an idle one leaves to others, 0..1.

    Raises
    ------
    ContentionError
        A parameter is not in 0..1.

    References
    ----------
    Leftover dispatch of blocks: Gilman and Walls, *Characterizing Concurrency Mechanisms for NVIDIA GPUs under Deep
    Learning Workloads*, 2021. What kernels share: Elvinger et al., *Measuring GPU utilization one level deeper*, 2025;
    the law of L2 and DRAM describes their copies that share the memory of a V100 within 5 % (docs/mechanisms.md).

    Examples
    --------
    >>> BlockScheduler(kappa=0.9, rho=0.25).parameters
    array([0.9 , 0.25, 0.02])
    """

    name = "block-scheduler"
    search: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "kappa": (0.85, 0.9, 0.95, 1.0),
        "rho": (0.0, 0.25, 0.3, 0.4, 0.5),
    }
    speeds = staticmethod(_speeds)

    def __init__(self, kappa: float = 0.95, rho: float = 0.25) -> None:
        problems = [
            f"contention block-scheduler: {name} must be 0..1 (got {value}); write {name}={example}"
            for name, value, example in (("kappa", kappa, 0.95), ("rho", rho, 0.25))
            if not 0.0 <= value <= 1.0
        ]
        if problems:
            raise ContentionError(*problems)
        self.kappa = kappa
        self.rho = rho

    @property
    def parameters(self) -> Floats:
        """kappa, rho and the floor."""
        return np.array([self.kappa, self.rho, _FLOOR])

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
        demands = [
            sm,
            np.where(operations.is_copy, 0.0, measured("tensor", 0.0)),
            l2,
            dram,
            operations.link("memcpy_h2d"),
            operations.link("memcpy_d2h"),
            np.where(kernels, measured("sm_needed", 1.0), 0.0),  # copies and moves within the device need no SM
            busy,
        ]
        return np.ascontiguousarray(np.column_stack(demands))
