"""Say in one line a kind of experiment what a co-location recording holds."""

from typing import Any

import numpy as np

from isim.profiler.colocation import Recording


def recording_summary(recording: Recording) -> list[dict[str, Any]]:
    """Return, of each (sharing mode, statistic, number of members), the experiments, rows and slowdowns that count.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({
    ...     "experiment": [0, 0], "sharing": ["streams"] * 2, "member": [0, 1], "model": ["a", "b"],
    ...     "batch_size": [1, 4], "sm_share": [1.0, 1.0], "start_ns": [0, 10], "finish_ns": [300, 210],
    ...     "solo_ns": [200, 100], "counted": [True, True],
    ... })
    >>> line, = recording_summary(Recording.from_table(table, {"origin": "imported"}))
    >>> line["members"], line["experiments"], line["slowdowns"], line["median"]
    (2, 1, 2, 1.75)
    """
    table = recording.table
    experiment, member = (table[name].to_numpy() for name in ("experiment", "member"))
    # Sorted by experiment and member, a member begins where either changes.
    begins = np.append(True, (np.diff(experiment) != 0) | (np.diff(member) != 0))
    members = np.bincount(experiment[begins])[experiment]
    kinds = list(zip(table["sharing"].to_pylist(), table["statistic"].to_pylist(), members.tolist(), strict=True))
    slowdown = np.where(table["counted"].to_numpy(), table["slowdown"].to_numpy(), np.nan)
    lines = []
    for kind in sorted(set(kinds)):
        rows = np.array([row == kind for row in kinds])
        slowdowns = slowdown[rows & ~np.isnan(slowdown)]
        figures = (slowdowns.min(), np.median(slowdowns), slowdowns.max()) if len(slowdowns) else (None,) * 3
        lines.append(
            {
                **dict(zip(("sharing", "statistic", "members"), kind, strict=True)),
                "experiments": len(set(experiment[rows].tolist())),
                "rows": int(rows.sum()),
                "slowdowns": len(slowdowns),
                **{
                    name: None if value is None else float(value)
                    for name, value in zip(("min", "median", "max"), figures, strict=True)
                },
            }
        )
    return lines


def recording_summary_text(recording: Recording) -> str:
    """Return the summary as a table for people, one line a kind of experiment.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({
    ...     "experiment": [0, 0], "sharing": ["streams"] * 2, "member": [0, 1], "model": ["a", "b"],
    ...     "batch_size": [1, 4], "sm_share": [1.0, 1.0], "start_ns": [0, 10], "finish_ns": [300, 210],
    ...     "solo_ns": [200, 100], "counted": [True, True],
    ... })
    >>> print(recording_summary_text(Recording.from_table(table, {"origin": "imported"})))
    sharing  statistic  members  experiments  rows  slowdowns    min  median    max
    streams  execution        2            1     2          2  1.500   1.750  2.000
    """
    names = ("sharing", "statistic", "members", "experiments", "rows", "slowdowns", "min", "median", "max")
    lines = [names, *(tuple(_word(line[name]) for name in names) for line in recording_summary(recording))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            word.ljust(width) if position < 2 else word.rjust(width)
            for position, (word, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _word(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
