"""Read the cells of one kernel of a CSV table, with stated units."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from isim.profiler.schema import SHARES

DURATION_UNITS_NS: Mapping[str, float] = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
UTILISATION_UNITS: Mapping[str, float] = {"ratio": 1.0, "percent": 0.01}
COUNTS = ("grid", "block", "registers", "shared_memory_bytes", "bytes")
COLUMNS = ("name", "duration", *SHARES, *COUNTS, "segment", "repeats")
# Counters overshoot the peak by rounding and clock drift; more than this is a wrong unit, which clipping would hide.
_CLIP_LIMIT = 1.1
_MAX = 2.0**62  # what the profile's 64-bit columns hold; in ns, 146 years


class RowReader:
    """Turn the cells of lines into the profile's columns, and keep what cannot be until all are read.

    Examples
    --------
    >>> reader = RowReader({"name": "Name", "duration": "Time"}, "us", "ratio", clip=False)
    >>> reader.row(2, {"Name": "gemm", "Time": "1.5"})
    {'gap_ns': 0, 'name': 'gemm', 'duration_ns': 1500}
    >>> _ = reader.row(3, {"Name": "add", "Time": "fast"})
    >>> reader.problems()
    ["column 'Time': not a number (found 'fast' in line 3); correct it"]
    """

    def __init__(self, columns: Mapping[str, str], duration_unit: str, utilisation_unit: str, *, clip: bool) -> None:
        self.columns = columns
        self.duration_ns = DURATION_UNITS_NS[duration_unit]
        self.share = UTILISATION_UNITS[utilisation_unit]
        self.clip = clip
        self.clipped = 0
        self.wrong: dict[tuple[str, str], list[str]] = {}

    def row(self, number: int, line: dict[str, str]) -> dict[str, Any]:
        """Return the kernel of one line; empty optional cells are left out."""
        convert: dict[str, Callable[[str], Any]] = {"duration": self._duration_ns}
        convert |= dict.fromkeys(SHARES, self._utilisation) | dict.fromkeys((*COUNTS, "repeats"), _count)
        row: dict[str, Any] = {"gap_ns": 0}
        for name, column in self.columns.items():
            cell = line.get(column, "").strip()
            if name in ("name", "segment"):
                row[name] = cell
            elif cell or name in ("duration", "repeats"):
                try:
                    row["duration_ns" if name == "duration" else name] = convert[name](cell)
                except ValueError as error:
                    self.wrong.setdefault((column, str(error)), []).append(f"{cell!r} in line {number}")
        return row

    def problems(self) -> list[str]:
        """Say what was wrong, one sentence for all cells of a column with the same mistake."""
        sentences = []
        for (column, what), cells in self.wrong.items():
            more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
            sentences.append(f"column {column!r}: {what} (found {cells[0]}{more}); correct it")
        return sentences

    def _duration_ns(self, cell: str) -> int:
        duration_ns = _number(cell) * self.duration_ns
        if not 0 <= duration_ns < _MAX:
            raise ValueError("a negative duration" if duration_ns < 0 else "longer than a century")
        return round(duration_ns)

    def _utilisation(self, cell: str) -> float:
        # Rounded to undo the last bit that the factor 0.01 leaves.
        share = round(_number(cell) * self.share, 12)
        if share < 0:
            raise ValueError("a negative utilisation")
        if share > 1:
            if not self.clip or share > _CLIP_LIMIT:
                hint = "check the unit" if share > _CLIP_LIMIT else "or state that such are clipped"
                raise ValueError(f"a utilisation above its peak, {hint}")
            self.clipped += 1
            share = 1.0
        return share


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ValueError("not a number") from None
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _count(cell: str) -> int:
    value = _number(cell)
    if not 0 <= value < _MAX or value != int(value):
        raise ValueError("not a whole number that a count can be")
    return int(value)
