"""Read JSON lines, one object a row, into a table."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json as pajson

from isim.errors import TraceError
from isim.traces.delimited import opened, unreadable


def read_json_lines(path: Path, dropped: "Counter[str]") -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Return the objects as a table, and the line of each.

    Parameters
    ----------
    dropped
        Counts the lines that hold no object.

    Raises
    ------
    TraceError
        The file is missing or cannot be unpacked, no line holds an object, or a name holds values of several kinds.

    Examples
    --------
    >>> _ = Path("log.jsonl").write_text('{"t": 1}\\nnoise\\n{"t": 2}\\n')
    >>> dropped = Counter()
    >>> table, lines = read_json_lines(Path("log.jsonl"), dropped)
    >>> table["t"].to_pylist(), lines, dict(dropped)
    ([1, 2], array([1, 3]), {'not a JSON object': 1})
    """
    with opened(path) as file:
        try:
            table = pajson.read_json(file, read_options=pajson.ReadOptions(block_size=1 << 24))
            return table, np.arange(len(table)) + 1
        except pa.ArrowException:  # damaged somewhere: find out where, line by line
            pass
        except (OSError, EOFError) as error:
            raise unreadable(path, error) from None
    rows, lines = [], []
    with opened(path) as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    row = _object(line)
                    if row is None:
                        dropped["not a JSON object"] += 1
                    else:
                        rows.append(row)
                        lines.append(number)
        except (OSError, EOFError) as error:
            raise unreadable(path, error) from None
    if not rows:
        raise TraceError(f"{path}: no line holds a JSON object; check the file")
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    return pa.table(columns), np.array(lines)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _column(values: list[Any]) -> Any:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):  # of several kinds: as text, to be judged where it is used
        return pa.array(
            [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
        )
