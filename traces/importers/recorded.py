"""What all importers share: parts of a text file, what was dropped of it and why, and where it came from."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from isim.errors import TraceError
from isim.traces.delimited import header, opened, unreadable
from isim.traces.trace import Trace

NUMBER = r"^\d+(\.\d*)?([eE][-+]?\d+)?$"
"""A number >= 0, in any notation."""
TOKENS = r"^\d{1,9}$"
ANYTHING = ""


def readable_blocks(
    path: Path, patterns: Mapping[str, str], dropped: "Counter[str]", what: str, *, headless: Sequence[str] = ()
) -> Iterator[pa.Table]:
    """Yield the rows of a CSV file whose cells all match, a part at a time, as text, spaces around them removed.

    Parameters
    ----------
    patterns
        The columns wanted, and what their cells must match.
    dropped
        Counts the other rows, by reason.
    what
        What the file should be, for an error.
    headless
        Names of all columns of a file without a header.

    Raises
    ------
    TraceError
        The file is missing, damaged, or lacks a column.

    Examples
    --------
    >>> _ = Path("log.csv").write_text("when,what\\n1,bert\\nnoon,bert\\n2,vit\\n")
    >>> dropped = Counter()
    >>> [block.to_pylist() for block in readable_blocks(Path("log.csv"), {"when": NUMBER}, dropped, "a log")]
    [[{'when': '1'}, {'when': '2'}]]
    >>> dict(dropped)
    {'when not readable': 1}
    """
    names = list(headless) or [name.strip() for name in header(path)]
    if missing := [name for name in patterns if name not in names]:
        found = f"no column {', '.join(missing)}; has: {', '.join(names)}"
        raise TraceError(f"{path}: not {what} ({found}); name its columns with 'isim import trace csv'")

    def drop(row: pacsv.InvalidRow) -> Literal["skip"]:
        dropped["wrong number of columns"] += 1
        return "skip"

    # Under this name of UTF-8 pyarrow looks whether it is; else a short row that is not is lost on `drop`.
    read = pacsv.ReadOptions(block_size=1 << 24, encoding="utf-8-sig", column_names=names, skip_rows=int(not headless))
    convert = pacsv.ConvertOptions(include_columns=list(patterns), column_types=dict.fromkeys(patterns, pa.string()))
    with opened(path) as file:
        try:
            parse = pacsv.ParseOptions(invalid_row_handler=drop)
            for batch in pacsv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert):
                yield _readable(pa.Table.from_batches([batch]), patterns, dropped)
        except (pa.ArrowException, OSError, EOFError, ValueError) as error:
            raise unreadable(path, error) from None


def _readable(table: pa.Table, patterns: Mapping[str, str], dropped: "Counter[str]") -> pa.Table:
    for name, pattern in patterns.items():
        column = pc.utf8_trim_whitespace(table[name])
        table = table.set_column(table.column_names.index(name), name, column)
        matches: Any = pc.match_substring_regex(column, pattern)
        unreadable_rows = len(table) - (pc.sum(matches).as_py() or 0)
        if unreadable_rows:
            dropped[f"{name} not readable"] += unreadable_rows
            table = table.filter(matches)
    return table


def reasons(dropped: "Counter[str]") -> str:
    """Say why rows were dropped, and how many.

    Examples
    --------
    >>> reasons(Counter({"start not readable": 3})), reasons(Counter())
    ('start not readable: 3', 'no rows')
    """
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(dropped.items())) or "no rows"


def source_of(path: Path, facts: Mapping[str, Any], rows_in: int, dropped: "Counter[str]") -> dict[str, Any]:
    """Return the footer's `source`: what is known of the data set, and this very file.

    Examples
    --------
    >>> _ = Path("log.csv").write_text("any")
    >>> source_of(Path("log.csv"), {"name": "a log"}, 5, Counter({"no time": 2}))["rows_dropped"]
    {'no time': 2}
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {**facts, "file": path.name, "sha256": sha256, "rows_in": rows_in, "rows_dropped": dict(dropped)}


def recorded(
    path: Path,
    facts: Mapping[str, Any],
    time_ns: npt.NDArray[np.int64],
    dropped: "Counter[str]",
    *,
    model: Any,
    tick_ns: int,
    origin_ns: int | None = None,
    further: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Trace:
    """Return the rows of a file as a trace, sorted by time; simultaneous ones keep the order of the file.

    The observed time ends with the last arrival.

    Parameters
    ----------
    facts
        What is known of the data set: name, url, licence, citation.
    time_ns
        Of each row, by the clock of the file.
    model
        Of each row, or one name for all.
    tick_ns
        Of the clock of the file.
    origin_ns
        Time 0 by that clock; the first arrival if left out.
    further
        What else the footer says.

    Raises
    ------
    TraceError
        No row is left, or a value is impossible.

    Examples
    --------
    >>> _ = Path("log.csv").write_text("any")
    >>> time_ns = np.array([7, 5], dtype=np.int64)
    >>> trace = recorded(Path("log.csv"), {"name": "a log"}, time_ns, Counter(), model="bert", tick_ns=1)
    >>> trace.arrival_ns, trace.footer["source"]["rows_in"]
    (array([0, 2]), 2)
    """
    if not len(time_ns):
        raise TraceError(f"{path}: no row can be read ({reasons(dropped)}); check the file")
    order = np.argsort(time_ns, kind="stable")
    start_ns = int(time_ns[order[0]]) if origin_ns is None else origin_ns
    arrival_ns = time_ns[order] - start_ns
    ordered = {name: _taken(column, order) for name, column in columns.items()}
    source = source_of(path, facts, len(order) + dropped.total(), dropped)
    return Trace.from_columns(
        arrival_ns=arrival_ns,
        model=model if isinstance(model, str) else _taken(model, order),
        duration_ns=int(arrival_ns[-1]),
        footer={"time_resolution_ns": tick_ns, "source": source, **(further or {})},
        where=str(path),
        **ordered,
    )


def _taken(column: Any, order: npt.NDArray[np.int64]) -> Any:
    return column[order] if isinstance(column, np.ndarray) else column.take(pa.array(order))
