"""Read a log that nvidia-smi wrote as CSV: clocks, power, temperature and throttle reasons over time."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from isim.errors import ProfileError
from isim.profiler.importers.source import read_text, sha256_of
from isim.profiler.telemetry import Telemetry

_ADVICE = "log with 'nvidia-smi --query-gpu=timestamp,index,clocks.sm,... --format=csv -lms 20'"
# What nvidia-smi calls each column, newest name first, and the unit that a profile's has.
_COLUMNS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "sm_clock_mhz": (("clocks.current.sm", "clocks.sm"), "MHz"),
    "memory_clock_mhz": (("clocks.current.memory", "clocks.mem"), "MHz"),
    "power_w": (("power.draw.instant", "power.draw"), "W"),
    "temperature_c": (("temperature.gpu",), ""),
    "throttle_reasons": (("clocks_event_reasons.active", "clocks_throttle_reasons.active"), ""),
}
_GPU = ("index", "uuid", "gpu_uuid", "pci.bus_id", "gpu_bus_id", "name", "gpu_name")
_ABSENT = re.compile(r"\[?(n/a|not supported|not available|unknown error|gpu is lost|)\]?", re.IGNORECASE)


def read_nvidia_smi(path: str | Path, gpu: str | None = None) -> Telemetry:
    """Return the samples of one GPU; times count from the first.

    Parameters
    ----------
    gpu
        Index, UUID, bus address or name of the GPU, as the log has it; needed if it holds several.

    Raises
    ------
    ProfileError
        The file is no such log, a unit is missing or unknown, a cell is no number, or there are several GPUs.

    Examples
    --------
    >>> lines = ["timestamp, index, clocks.sm [MHz], power.draw [W]", "2023/07/14 13:34:38.123, 0, 1590 MHz, 70.5 W"]
    >>> _ = Path("smi.csv").write_text("\\n".join(lines))
    >>> read_nvidia_smi("smi.csv").table.select(["sm_clock_mhz", "power_w"]).to_pylist()
    [{'sm_clock_mhz': 1590.0, 'power_w': 70.5}]
    """
    lines = [[cell.strip() for cell in cells] for cells in csv.reader(io.StringIO(read_text(path)))]
    header, *rows = [cells for cells in lines if cells]
    names = [re.sub(r" \[.*\]$", "", cell) for cell in header]
    if "timestamp" not in names:
        raise ProfileError(
            f"{path}: not a log of nvidia-smi (no column timestamp; has: {', '.join(names)[:200]}); {_ADVICE}"
        )
    # A log that was cut off while it was written ends within a line.
    cut_off = bool(rows) and len(rows[-1]) < len(header)
    rows = rows[: len(rows) - cut_off]
    uneven = sum(len(cells) != len(header) for cells in rows)
    if uneven or not rows:
        found = f"{uneven} lines with other cells than the header" if uneven else "only a header"
        raise ProfileError(f"{path}: not a whole log ({found}); {_ADVICE}")
    rows, which = _of_gpu(path, names, rows, gpu)
    reader = _Reader(names, header, rows)
    columns = {name: reader.column(name) for name in _COLUMNS}
    times_ns = reader.times_ns()
    if reader.problems:
        raise ProfileError(*(f"{path}: {problem}" for problem in reader.problems))
    missing = [name for name, values in columns.items() if values is None]
    table = pa.table({"time_ns": times_ns, **{name: values for name, values in columns.items() if values is not None}})
    footer = {
        "origin": "imported",
        "backend": "nvidia-smi",
        "file": Path(path).name,
        "sha256": sha256_of(path),
        "gpu": which,
        "first_sample": rows[0][names.index("timestamp")],
        "not_logged": missing,
        "last_line_cut_off": cut_off,
    }
    return Telemetry.from_table(table, footer, str(path))


def _of_gpu(
    path: str | Path, names: list[str], rows: list[list[str]], gpu: str | None
) -> tuple[list[list[str]], dict[str, str]]:
    """Return the lines of the GPU asked for, and all that the log calls it."""
    known = [name for name in _GPU if name in names]
    found = {tuple(cells[names.index(name)] for name in known) for cells in rows}
    chosen = [one for one in found if gpu is None or gpu in one]
    if len(chosen) != 1:
        gpus = "; ".join(sorted(" ".join(one) for one in found)) or "the log does not say"
        what = "samples of several GPUs" if chosen else f"no GPU {gpu!r}"
        raise ProfileError(f"{path}: {what} (found {gpus}); state the index or UUID of one with --gpu")
    own = [cells for cells in rows if tuple(cells[names.index(name)] for name in known) == chosen[0]]
    return own, dict(zip(known, chosen[0], strict=True))


class _Reader:
    def __init__(self, names: list[str], header: list[str], rows: list[list[str]]) -> None:
        self.names = names
        self.header = header
        self.rows = rows
        self.problems: list[str] = []

    def column(self, name: str) -> list[float | int | None] | None:
        """Return the values of a column of telemetry, None if the log has none of it."""
        called, unit = _COLUMNS[name]
        index = next((self.names.index(one) for one in called if one in self.names), None)
        if index is None:
            return None
        stated = re.search(r"\[(.*)\]$", self.header[index])
        if (stated[1] if stated else "") != unit:
            found = f"[{stated[1]}]" if stated else "none"
            self.problems.append(
                f"column {self.names[index]!r} is not in {unit or 'plain numbers'} (found {found}); {_ADVICE}"
            )
            return None
        convert: Callable[[str], float | int] = _bits if name == "throttle_reasons" else _Quantity(unit)
        cells = [cells[index] for cells in self.rows]
        values = [None if _ABSENT.fullmatch(cell) else self._converted(convert, cell) for cell in cells]
        wrong = [
            cell for cell, value in zip(cells, values, strict=True) if value is None and not _ABSENT.fullmatch(cell)
        ]
        if wrong:
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            self.problems.append(f"column {self.names[index]!r} is no number (found {wrong[0]!r}{more}); correct it")
        return values

    def times_ns(self) -> list[int]:
        """Return the time of each sample since the first one."""
        texts = [cells[self.names.index("timestamp")] for cells in self.rows]
        try:
            times = [datetime.strptime(text, "%Y/%m/%d %H:%M:%S.%f") for text in texts]
        except ValueError as error:
            self.problems.append(f"a timestamp is none ({error}); {_ADVICE}")
            return []
        times_ns = [round((time - times[0]).total_seconds() * 1000) * 1_000_000 for time in times]
        back = sum(later < earlier for earlier, later in pairwise(times_ns))
        if back:
            self.problems.append(f"the clock goes back {back} times; split the log there, and import one of its parts")
        return times_ns

    @staticmethod
    def _converted(convert: Callable[[str], float | int], cell: str) -> float | int | None:
        try:
            return convert(cell)
        except ValueError:
            return None


class _Quantity:
    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __call__(self, cell: str) -> float:
        value = float(cell.removesuffix(f" {self.unit}" if self.unit else ""))
        if not 0 <= value < 1e9:
            raise ValueError(cell)
        return value


def _bits(cell: str) -> int:
    bits = int(cell, 16)
    if not 0 <= bits < 2**62:
        raise ValueError(cell)
    return bits
