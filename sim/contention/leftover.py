"""Blocks of the kernel that started first keep the SMs; later kernels get what is left over."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numba import njit

from isim.contention.contract import SPEEDS, Floats
from isim.errors import ContentionError
from isim.operations import Operations

_FLOOR = 0.02
"""Even a starved kernel gets on: blocks of the older kernel retire one by one."""


@njit(SPEEDS, cache=True)
def _speeds(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    kappa, beta, floor = parameters[0], parameters[1], parameters[2]
    newer = 0.0
    inbound = 0.0
    outbound = 0.0
    for k in range(count):
        newer += demand[running[k], 0]
        inbound += demand[running[k], 1]
        outbound += demand[running[k], 2]
    older = 0.0
    for k in range(count):
        i = running[k]
        u = demand[i, 0]
        newer -= u
        if demand[i, 1] > 0.0:
            speed[k] = 1.0 / max(1.0, inbound)
        elif demand[i, 2] > 0.0:
            speed[k] = 1.0 / max(1.0, outbound)
        else:
            speed[k] = max(floor, 1.0 - kappa * older - beta * min(1.0, max(0.0, newer)))
        older += u


class Leftover:
    """Serve kernels in the order in which they started.

    speed = max(0.02, 1 - kappa * (sum of u of kernels started earlier) - beta * min(1, sum of u started later)), with u
    the largest measured column of a kernel. Copies share the link of their direction in proportion and hold no SMs.

    Parameters
    ----------
    kappa
        How much of what older kernels hold is lost to a newer one.
    beta
        How much newer kernels take from an older one.

    Raises
    ------
    ContentionError
        A parameter is negative or not finite.

    References
    ----------
    The leftover policy of the thread block scheduler: Gilman and Walls, *Characterizing Concurrency Mechanisms for
    NVIDIA GPUs under Deep Learning Workloads*, 2021. The two-parameter form is fitted to measured V100 pairs
    (docs/validation.md).

    Examples
    --------
    >>> Leftover(kappa=1.0, beta=0.05).parameters
    array([1.  , 0.05, 0.02])
    """

    name = "leftover"
    search: ClassVar[Mapping[str, tuple[float, ...]]] = {
        # 1.1 is as if no kernel reached more than 0.91 of a peak; measured ones reach 0.96.
        "kappa": (0.8, 0.9, 0.95, 1.0, 1.025, 1.05, 1.1),
        "beta": (0.0, 0.025, 0.05, 0.1, 0.2),
    }
    speeds = staticmethod(_speeds)

    def __init__(self, kappa: float = 1.0, beta: float = 0.05) -> None:
        problems = [
            f"contention leftover: {name} must be at least 0 and finite (got {value}); write {name}={example}"
            for name, value, example in (("kappa", kappa, 1.0), ("beta", beta, 0.05))
            if not 0.0 <= value < float("inf")
        ]
        if problems:
            raise ContentionError(*problems)
        self.kappa = kappa
        self.beta = beta

    @property
    def parameters(self) -> Floats:
        """kappa, beta and the floor."""
        return np.array([self.kappa, self.beta, _FLOOR])

    def demand(self, operations: Operations) -> Floats:
        """Need at least one of `sm`, `memory`, `tensor`, `l2`, `dram` for every kernel."""
        measured = np.stack([operations.columns[name] for name in ("sm", "memory", "tensor", "l2", "dram")])
        largest = np.max(np.nan_to_num(measured, nan=-1.0), axis=0, initial=-1.0)
        # What moves or sets memory within the device is bound by memory: it holds all of it unless measured.
        largest[np.isin(operations.kinds, ("memset", "memcpy_d2d")) & (largest < 0)] = 1.0
        holds_no_sm = operations.is_copy | (operations.duration_s == 0)
        missing = np.flatnonzero((largest < 0) & ~holds_no_sm)
        if missing.size:
            model, size, position = operations.owners[int(missing[0])]
            raise ContentionError(
                f"{operations.where}: none of the columns sm, memory, tensor, l2, dram is measured in {missing.size} "
                f"of {int((~holds_no_sm).sum())} kernels (first: {model} at batch size {size}, position {position}), "
                "and contention 'leftover' needs one; profile with hardware counters, or choose --contention none"
            )
        utilisation = np.where(holds_no_sm, 0.0, largest)
        return np.ascontiguousarray(
            np.column_stack([utilisation, operations.link("memcpy_h2d"), operations.link("memcpy_d2h")])
        )
