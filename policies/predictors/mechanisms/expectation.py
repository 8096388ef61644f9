"""How much of its speed a batch loses to each mechanism of contention, expected over the phases of all."""

import numpy as np
from numba import njit

from isim.policies.predictors.mechanisms.phases import AGE_S, BUSY, LARGEST, RESOURCES

PHASED = ("older", "younger", "fair", "max-min", "sm", "l2", "dram", "company")
"""What is lost to: use by kernels that started earlier, or later; a proportional and a max-min fair share of the
scarcest resource; the mere use of each; company as such."""
_N = len(RESOURCES)
_LEAST_SPEED = 0.02


@njit("float64(float64[::1],int64)", cache=True)
def _level(demand, count):  # type: ignore[no-untyped-def]
    """Return what those get who ask for more than their max-min fair share of 1."""
    total = 0.0
    for k in range(count):
        total += demand[k]
    if total <= 1.0:
        return 2.0
    level = 1.0 / count
    for _ in range(count):
        left, above = 1.0, 0
        for k in range(count):
            if demand[k] <= level:
                left -= demand[k]
            else:
                above += 1
        if above == 0:
            break
        level = left / above
    return level


@njit("float64[::1](float64[:,:,::1])", cache=True)
def expected_losses(tables):  # type: ignore[no-untyped-def]
    """Return the mean loss by each mechanism of `PHASED`, 0..1, shape (8,).

    Parameters
    ----------
    tables
        Phases of the batch and of those beside it, shape (batches, moments, columns); see `sample_phases`.
    """
    members, moments = tables.shape[0], tables.shape[1]
    losses = np.zeros(8)
    demand = np.zeros(members)
    for t in range(moments):
        if tables[0, t, BUSY] == 0.0:
            continue
        older = younger = 0.0
        for k in range(1, members):
            if tables[k, t, AGE_S] > tables[0, t, AGE_S]:
                older += tables[k, t, LARGEST]
            else:
                younger += tables[k, t, LARGEST]
        losses[0] += min(older, 1.0 - _LEAST_SPEED)
        losses[1] += min(younger, 1.0)
        scarcest, speed = 1.0, 1.0
        for r in range(_N):
            total = 0.0
            for k in range(members):
                demand[k] = tables[k, t, r]
                total += demand[k]
            beside = total - demand[0]
            if r < 3:
                losses[4 + r] += min(beside, 1.0)
            if total > 1.0 and demand[0] > 0.0:
                scarcest = max(scarcest, total)
                speed = min(speed, _level(demand, members) / demand[0])
        losses[2] += 1.0 - 1.0 / scarcest
        losses[3] += 1.0 - speed
        losses[7] += 1.0
    return losses / moments


@njit("float64(float64[:,:,::1],boolean)", cache=True)
def expected_slowdown(tables, fair):  # type: ignore[no-untyped-def]
    """Return the slowdown of the first batch in the mean over phases; 1 while it or all others idle.

    Parameters
    ----------
    tables
        As in `expected_losses`.
    fair
        Whether all slow down alike, by the scarcest resource that they use; else shares are max-min fair.
    """
    members, moments = tables.shape[0], tables.shape[1]
    demand = np.zeros(members)
    total_slowdown = 0.0
    for t in range(moments):
        slowdown = 1.0
        for r in range(_N):
            total = 0.0
            for k in range(members):
                demand[k] = tables[k, t, r]
                total += demand[k]
            if total > 1.0 and demand[0] > 0.0:
                here = total if fair else max(1.0, demand[0] / _level(demand, members))
                slowdown = max(slowdown, here)
        total_slowdown += slowdown
    return total_slowdown / moments
