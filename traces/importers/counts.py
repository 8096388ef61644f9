"""Counts of requests per second, per minute or per any time, one after another."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np

from isim.errors import TraceError
from isim.traces.delimited import opened, unreadable
from isim.traces.importers.recorded import source_of
from isim.traces.rates import Rates


def read_counts(path: str | Path, width_ns: int, model: str = "requests") -> Rates:
    """Return counts as rates: a JSON list, or whole numbers between spaces, commas or line ends; plain or gzipped.

    Times without requests are left out. What is no count is not skipped, since all that follows would move in time.

    Parameters
    ----------
    width_ns
        The time of each count, in ns.
    model
        What the rates call the model.

    Raises
    ------
    TraceError
        The file is missing, or something in it is no count; or nothing was counted.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "counts.txt"
    ...     _ = path.write_text("3 0 5")
    ...     read_counts(path, 10**9).table["count"].to_pylist()
    [3, 5]
    """
    path = Path(path)
    if width_ns <= 0:
        raise TraceError(f"{path}: the time of a count must be > 0 (found {width_ns} ns); correct it")
    with opened(path) as file:
        try:
            text = file.read().decode("utf-8-sig")
        except (OSError, EOFError, ValueError) as error:
            raise unreadable(path, error) from None
    if text.lstrip().startswith("["):
        try:
            cells = [json.dumps(value) for value in json.loads(text)]
        except ValueError as error:
            raise TraceError(f"{path}: not a JSON list of counts ({error}); check the file") from None
    else:
        cells = re.split(r"[\s,;]+", text.strip()) if text.strip() else []
    bad = [(place, cell) for place, cell in enumerate(cells, start=1) if not re.fullmatch(r"\d{1,15}(\.0*)?", cell)]
    if bad:
        raise TraceError(
            f"{path}: {len(bad)} cells are no counts (found {bad[0][1]!r} at place {bad[0][0]}); correct them"
        )
    counts = np.array([int(cell.partition(".")[0]) for cell in cells], dtype=np.int64)
    busy = np.flatnonzero(counts)
    if not len(busy):
        raise TraceError(f"{path}: nothing was counted (found {len(counts)} counts of 0); check the file")
    footer = {
        "duration_ns": len(counts) * width_ns,
        "time_resolution_ns": width_ns,
        "source": source_of(path, {}, len(counts), Counter()),
    }
    return Rates.from_columns(
        start_ns=busy * width_ns, width_ns=width_ns, model=model, count=counts[busy], footer=footer, where=str(path)
    )
