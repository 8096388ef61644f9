"""What batches consist of where each process is held to a part of the SMs."""

import copy
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from isim.operations import Floats, Operations, Variant
from isim.profiler.profile import Profile
from isim.sharing_modes import Sharing


class Partition(NamedTuple):
    """A process: which model it runs, and on how much of the GPU."""

    model: str
    share: float = 1.0
    """Of the SMs, 0..1."""
    solo_ratio: Mapping[int, float] = {}
    """By batch size: solo duration at this share / at the whole GPU, where it was measured."""


def partitioned(operations: Operations, partitions: Mapping[str, Partition]) -> Operations:
    """Lay out the batches of each process as they run alone on its part of the GPU.

    Kernels take longer, gaps and copies do not: by what makes the batch as much longer as was measured; else by
    `sm_needed` / share where that exceeds 1 (a kernel whose `sm_needed` is not known can fill the GPU). What takes f
    times longer asks 1/f of each resource, and its grid fills no more SMs than its process has.

    Parameters
    ----------
    operations
        At the whole GPU.
    partitions
        By name of the process, which is what a request then names as its model.

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> from isim.building.inputs import load_inputs
    >>> whole = Operations(load_inputs(Experiment()).profile, ["resnet50"])
    >>> half = partitioned(whole, {"resnet50": Partition("resnet50", 0.5, {8: 1.5})})
    >>> round(half.variants["resnet50", 8].solo_s / whole.variants["resnet50", 8].solo_s, 6)
    1.5
    """
    result = copy.copy(operations)
    result._sm_shares = {name: partition.share for name, partition in partitions.items()}
    result.variants, result._sizes, result._by_samples, result.owners = {}, {}, {}, []
    places: list[int] = []
    stretches: list[Floats] = []
    shares: list[float] = []
    for name, partition in partitions.items():
        sizes = operations.batch_sizes(partition.model)
        for size in sizes:
            variant = operations.variants[partition.model, size]
            span = np.arange(variant.first, variant.last)
            stretch = _stretch(operations, variant, partition)
            first = len(places)
            places += span.tolist()
            stretches.append(stretch)
            shares.append(partition.share)
            solo_s = 0.0
            for i, factor in zip(span, stretch, strict=True):  # in the order the engine adds them up
                solo_s = solo_s + operations.gap_s[i] + operations.duration_s[i] * factor
            result.variants[name, size] = variant._replace(
                model=name, first=first, last=len(places), solo_s=float(solo_s)
            )
            result.owners += [(name, size, position) for position in range(len(span))]
        result._sizes[name] = tuple(sizes)
        result._by_samples[name] = [
            None,
            *(result.variants[name, next(s for s in sizes if s >= n)] for n in range(1, sizes[-1] + 1)),
        ]
    factors = np.concatenate(stretches)
    result.kinds = operations.kinds[places]
    result.gap_s = operations.gap_s[places]
    result.duration_s = operations.duration_s[places] * factors
    result.columns = {column: values[places] / factors for column, values in operations.columns.items()}
    held_to = np.concatenate([np.full(len(stretch), share) for stretch, share in zip(stretches, shares, strict=True)])
    needed = operations.columns["sm_needed"][places]
    # A grid that is not known to be smaller fills the part; at the whole GPU it stays unknown.
    result.columns["sm_needed"] = np.where(held_to < 1.0, np.fmin(needed, held_to), needed)
    return result


def under_sharing(operations: Operations, profile: Profile, sharing: Sharing) -> Operations:
    """Lay out a run's batches for its sharing mode: each model a process, on the part of the SMs it is held to.

    Parameters
    ----------
    operations, profile
        At the whole GPU; and what was measured on parts of it, which says how much longer batches take there.
    """
    if not sharing.shares:
        return operations
    partitions = {}
    for model in dict.fromkeys(model for model, _ in operations.variants):
        share = sharing.share(model)
        ratio = {
            size: profile.solo_ns(model, size, share) / profile.solo_ns(model, size)
            for size in profile.batch_sizes(model, share)
            if share < 1.0 and size in profile.batch_sizes(model)
        }
        partitions[model] = Partition(model, share, ratio)
    return partitioned(operations, partitions)


def _stretch(operations: Operations, variant: Variant, partition: Partition) -> Floats:
    """Return how many times longer each operation of a batch takes."""
    span = slice(variant.first, variant.last)
    kernel = ~operations.is_copy[span]
    if partition.share == 1.0:
        return np.ones(len(kernel))
    ratio = partition.solo_ratio.get(variant.batch_size)
    if ratio is None:
        needed = np.nan_to_num(operations.columns["sm_needed"][span], nan=1.0)
        return np.where(kernel, np.maximum(1.0, needed / partition.share), 1.0)
    kernel_s = float(np.sum(operations.duration_s[span][kernel]))
    more_s = (ratio - 1.0) * variant.solo_s
    return np.where(kernel, max(1.0, 1.0 + more_s / kernel_s) if kernel_s else 1.0, 1.0)
