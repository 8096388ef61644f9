"""Say in one line a member what a co-location recording found."""

from collections.abc import Mapping, Sequence
from typing import Any


def colocation_text(mixes: Sequence[Mapping[str, Any]]) -> str:
    """Return the mixes of a recording's footer as a table for people.

    Examples
    --------
    >>> mix = {"members": ["a@1", "b@4"], "solo_ns": [1e6, 2e6], "slowdown_median": [1.5, 1.1]}
    >>> mix |= {"slowdown_mean": [1.52, 1.13], "rejected_share": 0}
    >>> print(colocation_text([mix]))
    member  beside  solo ms  slowdown: median   mean  rejected
    a@1     b@4        1.00             1.500  1.520      0.00
    b@4     a@1        2.00             1.100  1.130      0.00
    """
    lines = [("member", "beside", "solo ms", "slowdown: median", "mean", "rejected")]
    for mix in mixes:
        for index, member in enumerate(mix["members"]):
            others = " + ".join(other for at, other in enumerate(mix["members"]) if at != index)
            numbers = (f"{mix[name][index]:.3f}" for name in ("slowdown_median", "slowdown_mean"))
            solo_ms, rejected = f"{mix['solo_ns'][index] / 1e6:.2f}", f"{mix['rejected_share']:.2f}"
            lines.append((member, others, solo_ms, *numbers, rejected))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [map(str.ljust, cells[:2], widths[:2]) for cells in lines]
    numbers_ = [map(str.rjust, cells[2:], widths[2:]) for cells in lines]
    return "\n".join("  ".join([*text, *number]).rstrip() for text, number in zip(texts, numbers_, strict=True))
