"""Write out the segments of a table of kernels that run several times."""

from itertools import groupby
from typing import Any

_MOST_KERNELS = 1_000_000
"""A hundred times what the largest networks launch a batch."""


def repeated(rows: list[dict[str, Any]], problems: list[str]) -> list[dict[str, Any]]:
    """Return every kernel that runs: consecutive rows of one `segment`, as a whole, `repeats` times.

    Rows without these columns run once. A segment whose rows disagree on their repeats is added to `problems`.

    Examples
    --------
    >>> rows = [{"name": name, "segment": "layer", "repeats": 2} for name in ("gemm", "add")]
    >>> [row["name"] for row in repeated([*rows, {"name": "pool", "segment": "end", "repeats": 1}], [])]
    ['gemm', 'add', 'gemm', 'add', 'pool']
    """
    kernels: list[dict[str, Any]] = []
    for segment, group in groupby(rows, key=lambda row: row.get("segment")):
        members = list(group)
        counts = sorted({row.get("repeats", 1) for row in members})
        if len(counts) > 1 or counts[0] < 1:
            found = ", ".join(map(str, counts))
            problems.append(f"segment {segment!r}: repeats are not one number from 1 (found {found}); state one")
            continue
        if len(kernels) + counts[0] * len(members) > _MOST_KERNELS:
            problems.append(
                f"segment {segment!r}: more kernels than a batch may have (found {counts[0]} repeats of "
                f"{len(members)}, at most {_MOST_KERNELS:,} in all); correct the repeats"
            )
            continue
        kernel = [{key: row[key] for key in row if key not in ("segment", "repeats")} for row in members]
        kernels += [dict(row) for _ in range(counts[0]) for row in kernel]
    return kernels
