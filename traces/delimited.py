"""Read delimited text: every cell as text, times as exact nanoseconds."""

import csv
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from isim.errors import TraceError
from isim.traces.schema import first_refused

DIGITS: Mapping[str, int] = {"s": 9, "ms": 6, "us": 3, "ns": 0}
"""Decimal places of each unit of time that a nanosecond resolves."""
_EMPTY: Any = pa.scalar("")
_ZERO: Any = pa.scalar("0")


def opened(path: Path) -> BinaryIO:
    """Open a file of text, unpacking it if it is gzipped, whatever its name.

    Raises
    ------
    TraceError
        There is no such file, or it cannot be read.

    Examples
    --------
    >>> _ = Path("log.gz").write_bytes(gzip.compress(b"text"))
    >>> with opened(Path("log.gz")) as file:
    ...     file.read()
    b'text'
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")
    except FileNotFoundError:
        raise TraceError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise TraceError(f"{path}: cannot be read ({error.strerror}); check the path") from None


def read_delimited(path: Path) -> pa.Table:
    """Return a CSV file with a header as a table of text.

    Raises
    ------
    TraceError
        The file is missing, empty, or no such table.

    Examples
    --------
    >>> _ = Path("log.csv").write_text("when,what\\n1.50,bert\\n")
    >>> read_delimited(Path("log.csv")).to_pylist()
    [{'when': '1.50', 'what': 'bert'}]
    """
    names = header(path)
    options = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    with opened(path) as file:
        try:
            table = pacsv.read_csv(file, convert_options=options)
        except (pa.ArrowException, OSError, EOFError) as error:
            raise unreadable(path, error) from None
    return table.rename_columns([name.strip() for name in names])


def header(path: Path) -> list[str]:
    """Return the names in the first line of a CSV file.

    Raises
    ------
    TraceError
        The file is missing or empty, or its first line is not text.

    Examples
    --------
    >>> _ = Path("log.csv").write_text("when,\\"what, exactly\\"\\n")
    >>> header(Path("log.csv"))
    ['when', 'what, exactly']
    """
    with opened(path) as file:
        try:
            line = file.readline().decode("utf-8-sig").rstrip("\r\n")
        except (OSError, EOFError, ValueError) as error:
            raise unreadable(path, error) from None
    if not line:
        raise TraceError(f"{path}: not a CSV table with a header (its first line is empty); check the file")
    return next(csv.reader([line]))


def unreadable(path: Path, error: Exception) -> TraceError:
    """Say in one sentence why a file is not a CSV table.

    Examples
    --------
    >>> str(unreadable(Path("t.csv"), ValueError("no header")))
    't.csv: not a CSV table with a header (no header); check the file'
    """
    return TraceError(f"{path}: not a CSV table with a header ({str(error).splitlines()[0]}); check the file")


def time_ns(path: Path, table: pa.Table, name: str, unit: str, lines: npt.NDArray[np.int64] | None = None) -> Any:
    """Return a column of times in `unit` as int64 nanoseconds; an empty cell is no value.

    Parameters
    ----------
    lines
        The line of each row, for an error; the header is line 1 if left out.

    Raises
    ------
    TraceError
        A cell is not a number, or beyond 292 years.

    Examples
    --------
    >>> time_ns(Path("log.csv"), pa.table({"when": ["1.5", ""]}), "when", "s").to_pylist()
    [1500000000, None]
    >>> time_ns(Path("log.csv"), pa.table({"when": ["1.5", "noon"]}), "when", "s")
    Traceback (most recent call last):
    isim.errors.TraceError: log.csv: column 'when' is not a time in s (found 'noon' in line 3); correct it
    """
    column = table[name]
    try:
        return to_ns(column, unit)
    except pa.ArrowException:
        bad = first_refused(column, lambda part: to_ns(part, unit)) or 0
        found = f"found {column[bad].as_py()!r} in line {bad + 2 if lines is None else lines[bad]}"
        raise TraceError(f"{path}: column {name!r} is not a time in {unit} ({found}); correct it") from None


def to_ns(column: Any, unit: str) -> Any:
    """Convert decimal text in `unit` to int64 nanoseconds, rounded, without a detour through floating point.

    Raises
    ------
    pyarrow.ArrowInvalid
        A cell is not a number, or beyond 292 years.

    Examples
    --------
    >>> to_ns(pa.chunked_array([["1700000000.1234567", "", "5e-05"]]), "s").to_pylist()
    [1700000000123456700, None, 50000]
    """
    digits = DIGITS[unit]
    text = pc.utf8_trim_whitespace(column)
    empty = pc.equal(text, _EMPTY).combine_chunks().to_numpy(zero_copy_only=False)
    text = pc.if_else(pc.equal(text, _EMPTY), _ZERO, text)
    exact = pc.cast(text, pa.decimal256(76, 45))  # holds the shortest text of any float above 1e-28
    rounded = pc.cast(pc.round(exact, digits), pa.decimal128(38, digits)).combine_chunks()
    halves = np.frombuffer(rounded.buffers()[1], dtype=np.int64).reshape(-1, 2)[rounded.offset :][: len(rounded)]
    if (halves[:, 1] != halves[:, 0] >> 63).any():
        raise pa.ArrowInvalid("beyond 292 years")
    return pa.chunked_array([pa.array(halves[:, 0], mask=empty)])
