"""Seeded batches and questions with which predictors are checked."""

import random
from collections.abc import Sequence

import numpy as np

from isim.policies.kernels import Kernels
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Stay

Question = tuple[Member, Sequence[CoRunner], Sequence[Stay]]
_RESOURCES = ("sm", "l2", "dram")


def rehearsed_members(used: float = 1.0) -> list[Member]:
    """Return six members: three models, two batch sizes; half of them with kernels.

    Parameters
    ----------
    used
        Use of every resource, relative to that on the usual GPU.

    Examples
    --------
    >>> [(member.model, member.batch_size, member.kernels is None) for member in rehearsed_members()][:2]
    [('model0', 1, True), ('model0', 4, False)]
    """
    return [_member(model, size, used) for model in range(3) for size in (1, 4)]


def questions(used: float = 1.0) -> list[Question]:
    """Return what a scheduler asks: about a batch alone, beside one and two, half-way, and over."""
    a, b, c = rehearsed_members(used)[:3]
    behind = [Stay(0.4 * a.solo_s, (b,)), Stay(0.3 * a.solo_s, ())]
    return [
        (a, [], []),
        (a, [CoRunner(b)], []),
        (c, [CoRunner(a, 0.0005), CoRunner(b, 0.001)], []),
        (a, [CoRunner(c, 0.0001)], behind),
        (a, [], [*behind, Stay(0.6 * a.solo_s, (c,))]),
    ]


def rehearsed_batches(count: int, seed: int = 0) -> list[Observation]:
    """Return batches that share a GPU fairly, up to 5 % of noise."""
    draw = random.Random(seed)
    return [_batch(draw, draw.uniform(0.95, 1.05)) for _ in range(count)]


def hard_batches(count: int, seed: int = 0) -> list[Observation]:
    """Return batches between 0.1 and 1,000 times their time alone, whatever was beside them."""
    draw = random.Random(seed)
    return [_batch(draw, 10.0 ** draw.uniform(-1.0, 3.0)) for _ in range(count)]


def _batch(draw: random.Random, factor: float) -> Observation:
    known = rehearsed_members()
    target = draw.choice(known)
    stays, work_s, duration_s = [], target.solo_s, 0.0
    shares = [draw.random() for _ in range(draw.randint(1, 4))]
    for share in shares:
        others = tuple(draw.sample(known, draw.randint(0, 2)))
        demand = max(sum(member.features[name] for member in (target, *others)) for name in _RESOURCES)
        stay_s = work_s * share / sum(shares) * (max(1.0, demand) if others else 1.0) * factor
        stays.append(Stay(stay_s, others))
        duration_s += stay_s
    return Observation(target, duration_s, tuple(stays), target.solo_s)


def _member(model: int, size: int, used: float) -> Member:
    use = {name: round(used * (0.2 + 0.15 * ((model + place + size) % 4)), 3) for place, name in enumerate(_RESOURCES)}
    use["memory"] = max(use["l2"], use["dram"])
    solo_s = 0.001 * (1 + model) * (1 + size / 4)
    count = 3 + model
    kernels = Kernels(
        gap_s=np.full(count, 0.1 * solo_s / count),
        duration_s=np.full(count, 0.9 * solo_s / count),
        resources={name: np.full(count, value) for name, value in use.items()},
    )
    return Member(f"model{model}", size, solo_s, use, kernels=None if size == 1 else kernels)
