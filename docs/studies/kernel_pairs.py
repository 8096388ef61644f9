"""Which kernels Orion's class rule lets run together, and what a contention model says of these."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isim.contention.contention_file import load_contention
from isim.operations import Floats, Operations

BOUND = 0.6
"""Use of SMs or DRAM from which Orion calls a kernel compute- or memory-bound."""
TOLERANCE = 0.02
"""Slower by this share is slowed down."""
Indices = npt.NDArray[np.int64]


def of_kernels(operations: Operations, models: Sequence[str], size: int, truth: str) -> dict[str, float | None]:
    """Return shares of the pairs of kernels, every kernel with every other, weighted by their parts of their batches.

    `allowed` are of two classes, or one of none; `with_room` are those of them whose grids fit on the SMs together.
    `slowed` and `slowed_with_room` are shares of these; None where there are none.
    """
    own = [operations.variants[model, size] for model in models]
    kernels = np.concatenate([np.arange(each.first, each.last) for each in own])
    alone_s = np.concatenate([np.full(each.last - each.first, each.solo_s) for each in own])
    real = operations.kinds[kernels] == "kernel"
    weight = (operations.duration_s[kernels] / alone_s)[real]
    weights = weight[:, None] * weight
    sm, dram, needed = (operations.columns[name][kernels[real]] for name in ("sm", "dram", "sm_needed"))
    classes = np.where(sm >= BOUND, 1, np.where(dram >= BOUND, 0, -1))
    allowed = (classes[:, None] != classes) | (classes[:, None] < 0)
    with_room = allowed & (needed[:, None] + needed <= 1)
    slowed = slowdowns(operations, kernels[real], truth) > 1 + TOLERANCE

    def part(which: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_]) -> float | None:
        whole = float(weights[of].sum())
        return float(weights[which & of].sum()) / whole if whole else None

    everything = np.ones_like(allowed)
    return {
        "allowed": part(allowed, everything),
        "slowed": part(slowed, allowed),
        "with_room": part(with_room, everything),
        "slowed_with_room": part(slowed, with_room),
    }


def slowdowns(operations: Operations, kernels: Indices, truth: str) -> Floats:
    """Return the slowdown of every two kernels side by side: the mean over both, and over who started first."""
    model = load_contention(truth)[0]
    demand, parameters, speed = model.demand(operations), model.parameters, np.empty(2)
    _, first, alike = np.unique(demand[kernels], axis=0, return_index=True, return_inverse=True)
    of_two = np.empty((len(first), len(first)))
    for i, older in enumerate(kernels[first]):
        for j, newer in enumerate(kernels[first]):
            model.speeds(np.array([older, newer]), 2, demand, parameters, speed)
            of_two[i, j] = (1 / speed).mean()
    found = (of_two + of_two.T) / 2
    return np.asarray(found[alike.ravel()][:, alike.ravel()])
