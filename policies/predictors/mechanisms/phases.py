"""What a batch asks of the GPU at evenly spread moments of its time alone."""

import math

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.predictors.predictor import Member

RESOURCES = ("sm", "l2", "dram", "tensor")
MOMENTS = 512
LARGEST, AGE_S, BUSY = range(len(RESOURCES), len(RESOURCES) + 3)
"""Columns after those of the resources."""
_COMPOSITE = {"l2": "memory", "dram": "memory"}
_FILLS = 6.0
"""log2 of the batch size that is taken to fill its SMs, where their use was not measured."""


def sample_phases(member: Member, slot: int) -> Floats:
    """Return the use of resources at `MOMENTS` moments, shape (moments, resources + 3).

    Members of different slots are sampled so that every combination of their phases is met evenly, as if none of them
    knew of the other: row by row, moments of slot j are those of an additive recurrence with its own irrational step.

    Parameters
    ----------
    member
        Its kernels, or its averages as one kernel where only these are known. What was not measured counts as 0, and
        `memory` stands for `l2` and `dram`. Of averages without `sm`, the share of the SMs times log2(batch size) / 6
        stands for it.
    slot
        0 for the batch in question, 1 and up for those beside it.

    Returns
    -------
    Use of each resource (0..1); the largest; for how long the kernel has run (s); 1 while a kernel runs, else 0.

    Examples
    --------
    >>> table = sample_phases(Member("a", 1, 0.002, {"sm": 0.5}), 0)
    >>> table[:, 0].mean(), table[:, BUSY].mean(), round(table[:, AGE_S].mean(), 6)
    (np.float64(0.5), np.float64(1.0), np.float64(0.001))
    """
    gap_s, duration_s, uses = operations_of(member)
    ends_s = np.cumsum(np.column_stack([gap_s, duration_s]).ravel())
    moments_s = _spread(slot) * ends_s[-1]
    # The pieces alternate: a gap, an operation, a gap, ...
    piece = np.minimum(np.searchsorted(ends_s, moments_s, side="right"), len(ends_s) - 1)
    runs = piece % 2 == 1
    table = np.zeros((MOMENTS, BUSY + 1))
    table[:, : len(RESOURCES)] = np.where(runs[:, None], uses[piece // 2], 0.0)
    table[:, LARGEST] = table[:, : len(RESOURCES)].max(axis=1)
    table[:, AGE_S] = np.where(runs, moments_s - np.where(piece > 0, ends_s[piece - 1], 0.0), 0.0)
    table[:, BUSY] = runs
    return table


def operations_of(member: Member) -> tuple[Floats, Floats, Floats]:
    """Return the gap before (s), the duration (s) and the use of `RESOURCES` of each operation; averages are of one."""
    kernels = member.kernels
    if kernels is None or not len(kernels.duration_s) or not kernels.duration_s.sum() > 0.0:
        averages = [member.features.get(n, member.features.get(_COMPOSITE.get(n, ""), 0.0)) for n in RESOURCES]
        if "sm" not in member.features:
            averages[0] = member.sm_share * min(math.log2(member.batch_size) / _FILLS, 1.0)
        return np.zeros(1), np.array([member.solo_s]), np.nan_to_num(np.array([averages], dtype=np.float64))
    uses = np.zeros((len(kernels.duration_s), len(RESOURCES)))
    for column, name in enumerate(RESOURCES):
        use = kernels.resources.get(name)
        composite = kernels.resources.get(_COMPOSITE.get(name, ""))
        if use is not None:
            uses[:, column] = np.nan_to_num(use)
        if composite is not None:
            missing = np.isnan(use) if use is not None else np.ones(len(uses), dtype=bool)
            uses[missing, column] = np.nan_to_num(composite)[missing]
    return kernels.gap_s, kernels.duration_s, uses


def _spread(slot: int) -> Floats:
    """Return moments in 0..1, dense and even together with those of other slots (Roberts' R-sequence)."""
    if slot == 0:
        moments: Floats = (np.arange(MOMENTS) + 0.5) / MOMENTS
        return moments
    # The root of x^9 = x + 1: its powers are badly approximable together.
    step = math.fmod(1.085070245491451 ** -float(slot), 1.0)
    recurrence: Floats = np.fmod(0.5 + step * np.arange(1, MOMENTS + 1), 1.0)
    return recurrence
