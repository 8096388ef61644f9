"""Make one batch of its repetitions: medians over those that ran the same operations in the same order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from isim.errors import ProfileError
from isim.profiler.device.contract import Repetition
from isim.profiler.schema import SHARES

_SAME = ("kind", "name", "grid", "block")  # what makes an operation the same one in every repetition
Row = dict[str, Any]


class Merged(NamedTuple):
    """One batch of several repetitions.

    Parameters
    ----------
    rows
        The profile's columns of each operation, in launch order.
    used, rejected
        How many repetitions are in the medians, and how many ran something else.
    """

    rows: tuple[Row, ...]
    used: int
    rejected: int


def repetition_rows(repetition: Repetition) -> list[Row]:
    """Return the profile's columns of one repetition, in launch order, with an `end` row if time passed after the last.

    Time in which none of its operations ran is the gap of the operation that ends it, whatever the streams.

    Examples
    --------
    >>> from isim.profiler.device.contract import Kernel
    >>> rows = repetition_rows(Repetition(0, 100, (Kernel("gemm", 10, 40), Kernel("add", 45, 90, stream=1))))
    >>> [(row["name"], row["gap_ns"], row["duration_ns"]) for row in rows]
    [('gemm', 10, 30), ('add', 5, 45), ('end', 10, 0)]
    """
    gap_ns, reached = [0] * len(repetition.kernels), repetition.start_ns
    for index, kernel in sorted(enumerate(repetition.kernels), key=lambda item: (item[1].start_ns, item[0])):
        gap_ns[index] = max(kernel.start_ns - reached, 0)
        reached = max(reached, kernel.finish_ns)
    rows: list[Row] = [
        {
            "kind": kernel.kind,
            "name": kernel.name,
            "duration_ns": kernel.finish_ns - kernel.start_ns,
            "gap_ns": gap,
            "grid": kernel.grid,
            "block": kernel.block,
            "registers": kernel.registers,
            "shared_memory_bytes": kernel.shared_memory_bytes,
            "bytes": kernel.bytes,
        }
        for kernel, gap in zip(repetition.kernels, gap_ns, strict=True)
    ]
    rows.append({"kind": "end", "name": "end", "duration_ns": 0, "gap_ns": max(repetition.finish_ns - reached, 0)})
    return rows


def merged(repetitions: Sequence[Sequence[Mapping[str, Any]]], where: str) -> Merged:
    """Return the medians over the repetitions that ran the same operations as most of them did.

    Parameters
    ----------
    repetitions
        The rows of each repetition, in launch order.
    where
        What the errors call the batch.

    Raises
    ------
    ProfileError
        No more than half of the repetitions agree, so that it is unknown which is the batch.

    Examples
    --------
    >>> rows = [[{"kind": "kernel", "name": "gemm", "gap_ns": 0, "duration_ns": time}] for time in (10, 12, 17)]
    >>> merged(rows, "bert at batch size 1").rows[0]["duration_ns"]
    12
    """
    ran = [tuple(tuple(row.get(key) for key in _SAME) for row in repetition) for repetition in repetitions]
    (usual, used), *others = Counter(ran).most_common() or [((), 0)]
    if 2 * used <= len(ran):
        sequences = [(usual, used), *others]
        lengths = ", ".join(f"{count} of {len(sequence)} operations" for sequence, count in sequences[:4])
        raise ProfileError(
            f"{where}: its {len(ran)} repetitions differ (found {len(sequences)} sequences: {lengths}); "
            "cut it so that each is the same batch, or skip those of the warm-up"
        )
    alike = [repetition for repetition, sequence in zip(repetitions, ran, strict=True) if sequence == usual]
    rows = tuple(_median([repetition[position] for repetition in alike]) for position in range(len(usual)))
    if rows[-1]["kind"] == "end" and rows[-1]["gap_ns"] == 0:
        rows = rows[:-1]
    return Merged(rows, used, len(ran) - used)


def _median(samples: Sequence[Mapping[str, Any]]) -> Row:
    durations_ns = np.array([row["duration_ns"] for row in samples], dtype=np.int64)
    median_ns = float(np.median(durations_ns))
    row: Row = {**samples[0], "duration_ns": round(median_ns)}
    row["gap_ns"] = round(float(np.median([sample["gap_ns"] for sample in samples])))
    if row["kind"] != "end":
        row["samples"] = len(samples)
        # The dispersion of a single sample is unknown, not 0.
        row["duration_mad_ns"] = round(float(np.median(abs(durations_ns - median_ns)))) if len(samples) > 1 else None
    for column in ("bytes", *SHARES):
        known = [sample[column] for sample in samples if sample.get(column) is not None]
        if known:
            middle = float(np.median(known))
            row[column] = round(middle) if column == "bytes" else middle
    return row
