"""Put hardware counters of one run to the durations of another: the same kernel, found by what both runs know of it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from isim.profiler.device.contract import KernelCounters
from isim.profiler.kernel_name import base_name

_Key = tuple[str, int | None, int | None]


class Joined(NamedTuple):
    """Operations with counters, and what found no partner.

    Parameters
    ----------
    rows
        The operations in launch order; those without counters keep nulls.
    matched
        Kernels that have counters now.
    without_counters, unused_counters
        Base names of the kernels that found none, and of the counted kernels that nothing asked for, with their number.
    """

    rows: tuple[dict[str, Any], ...]
    matched: int
    without_counters: dict[str, int]
    unused_counters: dict[str, int]


def joined(rows: Sequence[Mapping[str, Any]], counters: Sequence[KernelCounters]) -> Joined:
    """Join by base name, blocks of the grid, threads of a block, and occurrence: the n-th such kernel of either run.

    Where the runs saw such a kernel a different number of times, it is unknown which belong together: none is joined.

    Examples
    --------
    >>> rows = [{"kind": "kernel", "name": "void gemm<float>(int)", "grid": 80, "block": 256, "duration_ns": 900}]
    >>> result = joined(rows, [KernelCounters("gemm", 80, 256, {"sm": 0.9}), KernelCounters("add", 1, 32, {"sm": 0.1})])
    >>> result.rows[0]["sm"], result.matched, result.without_counters, result.unused_counters
    (0.9, 1, {}, {'add': 1})
    """
    keys = [(base_name(row["name"]), row.get("grid"), row.get("block")) for row in rows]
    ran = Counter(key for key, row in zip(keys, rows, strict=True) if row["kind"] == "kernel")
    counted: dict[_Key, list[KernelCounters]] = defaultdict(list)
    for kernel in counters:
        counted[base_name(kernel.name), kernel.grid, kernel.block].append(kernel)
    next_of = {key: iter(kernels) for key, kernels in counted.items() if len(kernels) == ran[key]}
    result = tuple(
        {**row, **next(next_of[key]).shares} if row["kind"] == "kernel" and key in next_of else dict(row)
        for key, row in zip(keys, rows, strict=True)
    )
    without, unused = Counter[str](), Counter[str]()
    for key in ran.keys() - next_of.keys():
        without[key[0]] += ran[key]
    for key in counted.keys() - next_of.keys():
        unused[key[0]] += len(counted[key])
    matched = sum(ran[key] for key in next_of)
    return Joined(result, matched, dict(sorted(without.items())), dict(sorted(unused.items())))
