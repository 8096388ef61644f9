"""Read a CSV table of one kernel a row, with its columns and units stated by the caller, never guessed."""

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from isim.errors import ProfileError
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.kernel_row import COLUMNS, DURATION_UNITS_NS, UTILISATION_UNITS, RowReader
from isim.profiler.importers.segments import repeated
from isim.profiler.importers.solo_period import fit_to_period
from isim.profiler.schema import SHARES

ABOVE_PEAK = ("error", "clip")


def read_kernel_table(
    path: str | Path,
    model: str,
    batch_size: int,
    *,
    columns: Mapping[str, str],
    duration_unit: str,
    utilisation_unit: str | None = None,
    solo_period_s: float | None = None,
    above_peak: str = "error",
) -> ImportedBatch:
    """Read the kernels of one batch in launch order.

    Parameters
    ----------
    columns
        Which column of the file holds which of `COLUMNS`; `name` and `duration` are needed, the rest is left null.
        `segment` and `repeats` belong together: the consecutive rows of a segment run, as a whole, that many times.
    duration_unit, utilisation_unit
        `ns`, `us`, `ms` or `s`; `percent` or `ratio`, needed if a utilisation is read.
    solo_period_s
        Measured time from one batch's start to the next when the batch runs alone, in s. What it exceeds the kernels
        by is time of the host, the gap before the first kernel; kernels that exceed it are scaled down to it.
    above_peak
        `clip` takes a utilisation above its peak by at most a tenth for the peak; `error` refuses it.

    Raises
    ------
    ProfileError
        Anything is wrong with the file or what was said of it; all problems at once.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "kernels.csv"
    >>> _ = path.write_text("kernel,us,sm\\ngemm,90,80.5\\nadd,10,5\\n")
    >>> mapping = {"name": "kernel", "duration": "us", "sm": "sm"}
    >>> table = read_kernel_table(
    ...     path, "bert", 8, columns=mapping, duration_unit="us", utilisation_unit="percent", solo_period_s=150e-6
    ... )
    >>> [(row["name"], row["gap_ns"], row["duration_ns"], row["sm"]) for row in table.rows]
    [('gemm', 50000, 90000, 0.805), ('add', 0, 10000, 0.05)]
    """
    problems = list(_request_problems(columns, duration_unit, utilisation_unit, above_peak))
    problems += _batch_problems(batch_size, solo_period_s)
    if problems:
        raise ProfileError(*(f"{path}: {problem}" for problem in problems))
    content, lines = _read(path, columns)
    reader = RowReader(columns, duration_unit, utilisation_unit or "ratio", clip=above_peak == "clip")
    kernels = [reader.row(number, line) for number, line in lines]
    problems = reader.problems()
    if not problems:  # else a segment lacks some of its numbers
        kernels = repeated(kernels, problems)
    if problems:
        raise ProfileError(*(f"{path}: {problem}" for problem in problems))
    scale, notes = fit_to_period(kernels, solo_period_s, f"{path}: {model} at batch size {batch_size}")
    if reader.clipped:
        notes.append(f"{path}: utilisations above the peak were taken for the peak ({reader.clipped} of them)")
    facts = {
        "model": model,
        "batch_size": batch_size,
        "file": Path(path).name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "columns": dict(columns),
        "duration_unit": duration_unit,
        "utilisation_unit": utilisation_unit,
        "utilisations_clipped": reader.clipped,
        "solo_period_s": solo_period_s,
        "duration_scale": scale,
    }
    rows = tuple({"kind": "kernel", **kernel} for kernel in kernels)
    return ImportedBatch(model, batch_size, rows, facts, tuple(notes))


def _request_problems(
    columns: Mapping[str, str], duration_unit: str, utilisation_unit: str | None, above_peak: str
) -> Iterator[str]:
    for name in columns:
        if name not in COLUMNS:
            yield f"a profile takes no {name!r} from a kernel table (takes: {', '.join(COLUMNS)}); correct the mapping"
    for name in ("name", "duration"):
        if name not in columns:
            yield f"nothing says which column holds the {name}; state {name}=COLUMN"
    if ("segment" in columns) != ("repeats" in columns):
        yield "only one of segment and repeats is stated; state both columns or neither"
    if duration_unit not in DURATION_UNITS_NS:
        yield f"unknown unit of durations (found {duration_unit!r}); state one of {', '.join(DURATION_UNITS_NS)}"
    if utilisation_unit is None and any(name in SHARES for name in columns):
        yield "utilisations are read but have no unit; state percent or ratio"
    if utilisation_unit is not None and utilisation_unit not in UTILISATION_UNITS:
        yield f"unknown unit of utilisations (found {utilisation_unit!r}); state percent or ratio"
    if above_peak not in ABOVE_PEAK:
        yield f"unknown treatment of utilisations above the peak (found {above_peak!r}); state error or clip"


def _batch_problems(batch_size: int, solo_period_s: float | None) -> Iterator[str]:
    if batch_size < 1:
        yield f"batch size is below 1 (found {batch_size}); a batch holds at least one sample"
    if solo_period_s is not None and not 0 < solo_period_s < math.inf:
        yield f"solo period is not a positive time (found {solo_period_s} s); state what was measured"


def _read(path: str | Path, columns: Mapping[str, str]) -> tuple[bytes, list[tuple[int, dict[str, str]]]]:
    try:
        content = Path(path).read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise ProfileError(f"{path}: no such file; name a CSV table of kernels") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: cannot be read as text ({error}); name a CSV table of kernels") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise ProfileError(f"{path}: line {reader.line_num} is not CSV ({error}); correct it") from None
    problems = [
        f"{path}: no column {name!r} (has: {', '.join(header)}); correct the mapping"
        for name in columns.values()
        if name not in header
    ]
    uneven = [(number, cells) for number, cells in lines if len(cells) != len(header)]
    if uneven:
        number, cells = uneven[0]
        more = f" and {len(uneven) - 1} more lines differ" if len(uneven) > 1 else ""
        problems.append(
            f"{path}: line {number} has {len(cells)} cells, the header {len(header)}{more}; quote names with a comma"
        )
    if not lines:
        problems.append(f"{path}: no kernel; name a table with a header and one kernel a row")
    if problems:
        raise ProfileError(*problems)
    return content, [(number, dict(zip(header, cells, strict=True))) for number, cells in lines]
