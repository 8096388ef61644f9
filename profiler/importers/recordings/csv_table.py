"""Read a CSV table of measurements cell by cell, and keep what is wrong until all is read."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from isim.errors import ProfileError
from isim.profiler.importers.source import read_text, sha256_of

Line = tuple[int, dict[str, str]]
"""The number of a line and its cells by the names of their columns."""

_MISSING = ("", "none", "nan", "null", "na")


class CsvTable:
    """Hold the lines of a CSV file under its header; a name that comes again gets its count: `model`, `model_2`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "solo.csv"
    >>> _ = path.write_text("model,batch,latency_ms\\nbert,8,1.5\\nvit,8,\\nvit,8,-3\\n")
    >>> table = CsvTable(path)
    >>> [table.positive(line, "latency_ms") for line in table.lines("model", "latency_ms")]
    [1.5, None, None]
    >>> [problem.partition(": ")[2] for problem in table.problems()]
    ["column 'latency_ms': not a positive number (found '-3' in line 4); correct it"]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        reader = csv.reader(io.StringIO(read_text(path), newline=""))
        try:
            header = [name.strip() for name in next(reader, [])]
            self._lines = [(reader.line_num, cells) for cells in reader if cells]
        except csv.Error as error:
            raise ProfileError(f"{path}: line {reader.line_num} is not CSV ({error}); correct it") from None
        counts = [header[: position + 1].count(name) for position, name in enumerate(header)]
        self.header = [f"{name}_{count}" if count > 1 else name for name, count in zip(header, counts, strict=True)]
        self._wrong: dict[tuple[str, str], list[str]] = {}
        uneven = [(number, len(cells)) for number, cells in self._lines if len(cells) != len(header)]
        if uneven:
            raise ProfileError(
                f"{path}: line {uneven[0][0]} has {uneven[0][1]} cells, the header {len(header)} "
                f"(lines like it: {len(uneven)}); copy the file again"
            )
        if not self._lines:
            raise ProfileError(f"{path}: no line below the header; name a table of measurements")

    @property
    def facts(self) -> dict[str, str]:
        """What the footer of a recording says of the file."""
        return {"file": Path(self.path).name, "sha256": sha256_of(self.path)}

    def lines(self, *columns: str) -> Iterator[Line]:
        """Yield the number and the cells of each line.

        Raises
        ------
        ProfileError
            A column of `columns` is missing.
        """
        missing = [name for name in columns if name not in self.header]
        if missing:
            names = ", ".join(map(repr, missing))
            raise ProfileError(f"{self.path}: no column {names} (has: {', '.join(self.header)}); name another file")
        for number, cells in self._lines:
            yield number, dict(zip(self.header, (cell.strip() for cell in cells), strict=True))

    def text(self, line: Line, column: str) -> str:
        """Return a cell that has to be filled in."""
        if not line[1][column]:
            self.reject(line, column, "empty")
        return line[1][column]

    def whole(self, line: Line, column: str, at_least: int = 1) -> int:
        """Return a whole number."""
        try:
            value = float(line[1][column])
            if value == int(value) and at_least <= value < 2**53:
                return int(value)
        except (ValueError, OverflowError):
            pass
        self.reject(line, column, f"not a whole number from {at_least} on")
        return at_least

    def positive(self, line: Line, column: str, *, or_zero: bool = False) -> float | None:
        """Return a measured value, or None of a cell that is empty or says so."""
        cell = line[1][column]
        if cell.lower() in _MISSING:
            return None
        try:
            value = float(cell)
            if 0 < value < math.inf or (or_zero and value == 0):
                return value
        except ValueError:
            pass
        self.reject(line, column, "a negative number or none" if or_zero else "not a positive number")
        return None

    def share(self, line: Line, column: str, unit: float = 0.01) -> float:
        """Return a share of the SMs, written in percent unless `unit` says otherwise."""
        # Rounded to undo the last bit that the factor leaves.
        share = round((self.positive(line, column) or 0.0) * unit, 12)
        if not 0 < share <= 1:
            self.reject(line, column, "not a share of the SMs")
            return 1.0
        return share

    def reject(self, line: Line, column: str, what: str) -> None:
        """Keep that a cell is wrong."""
        cells = self._wrong.setdefault((column, what), [])
        cells.append(f"{line[1][column]!r} in line {line[0]}")

    def problems(self) -> list[str]:
        """Say what was wrong, one sentence for all cells of a column with the same mistake."""
        sentences = []
        for (column, what), cells in self._wrong.items():
            more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
            sentences.append(f"{self.path}: column {column!r}: {what} (found {cells[0]}{more}); correct it")
        return sentences


def read_tables(paths: Sequence[str | Path]) -> list[CsvTable]:
    """Read several files, each once.

    Raises
    ------
    ProfileError
        Anything is wrong with a file, or two are the same; all problems at once.

    Examples
    --------
    >>> _ = Path("a.csv").write_text("model,batch\\nbert,8\\n")
    >>> table, = read_tables(["a.csv"])
    >>> table.facts["file"], [(table.text(line, "model"), table.whole(line, "batch")) for line in table.lines()]
    ('a.csv', [('bert', 8)])
    """
    tables, problems, seen = list[CsvTable](), list[str](), dict[str, str | Path]()
    for path in paths:
        try:
            table = CsvTable(path)
        except ProfileError as error:
            problems.extend(error.problems)
            continue
        sha256 = table.facts["sha256"]
        if sha256 in seen:
            problems.append(f"{path}: the same content as {seen[sha256]}; name each file once")
        seen[sha256] = path
        tables.append(table)
    if problems:
        raise ProfileError(*problems)
    return tables


def raise_problems(tables: Sequence[CsvTable], problems: Iterable[str] = ()) -> None:
    """Raise all that was found wrong with the tables, if anything was.

    Raises
    ------
    ProfileError
        A cell is wrong, or there are `problems` beside.

    Examples
    --------
    >>> _ = Path("a.csv").write_text("model,mps_percent\\nbert,150\\n")
    >>> table, = read_tables(["a.csv"])
    >>> line, = table.lines()
    >>> _ = table.share(line, "mps_percent")
    >>> raise_problems([table], [])
    Traceback (most recent call last):
    isim.errors.ProfileError: a.csv: column 'mps_percent': not a share of the SMs (found '150' in line 2); correct it
    """
    found = [*(problem for table in tables for problem in table.problems()), *problems]
    if found:
        raise ProfileError(*found)
