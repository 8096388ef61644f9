"""A trace read a chunk at a time, for those that are too large to hold."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isim.errors import TraceError
from isim.traces.check_trace import footer_problems, table_problems
from isim.traces.parquet_file import GROUP_ROWS, opened_parquet, unreadable_parquet, write_parquet
from isim.traces.schema import SCHEMA_VERSION, conformed
from isim.traces.trace import Trace


class Survey(NamedTuple):
    """What one pass over a trace finds."""

    requests: int
    models: tuple[str, ...]
    last_arrival_ns: int


@dataclass(frozen=True)
class TraceStream:
    """Hold how to read a trace, not the trace: every iteration reads it anew, chunk by chunk.

    A chunk is a table in the schema of the trace, of some million rows at most, checked; the chunks follow each other
    in order of arrival.

    Parameters
    ----------
    footer
        As of a `Trace`.
    opened
        Yields the chunks from the first on, each time it is called.
    where
        What errors call the trace.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 5, 5], model=["bert", "bert", "resnet50"], duration_ns=10)
    >>> [len(chunk) for chunk in TraceStream.of(trace)]
    [3]
    >>> stream = TraceStream.of(trace)
    >>> stream.survey(), stream.duration_ns
    (Survey(requests=3, models=('bert', 'resnet50'), last_arrival_ns=5), 10)
    >>> stream.write("trace.parquet") == stream.survey()
    True
    >>> len(TraceStream.read("trace.parquet").collected())
    3
    >>> first = stream.changed({"op": "first"}, lambda: (chunk.slice(0, 1) for chunk in stream), duration_ns=1)
    >>> first.collected().arrival_ns, first.footer["history"]
    (array([0]), [{'op': 'first'}])
    """

    footer: Mapping[str, Any]
    opened: Callable[[], Iterator[pa.Table]]
    where: str = "trace"

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """Return a trace in memory as a stream."""
        table = trace.table

        def opened() -> Iterator[pa.Table]:
            for start in range(0, len(table), GROUP_ROWS):
                yield table.slice(start, GROUP_ROWS)

        return cls(trace.footer, opened)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Open a trace; Parquet is read as it is iterated over, CSV at once.

        The footer is checked now, every chunk when it is read: a problem in the last one is found last.

        Raises
        ------
        TraceError
            As `Trace.read`; from the iteration, too.
        """
        path = Path(path)
        if path.name.removesuffix(".gz").endswith(".csv"):
            return cls.of(Trace.read(path))
        file, footer = opened_parquet(path)
        footer = {"schema": SCHEMA_VERSION, "kind": "requests", **footer}
        if "duration_ns" not in footer:
            footer["duration_ns"] = _last_arrival_ns(path, file)
        if problems := list(footer_problems(footer)):
            raise TraceError(*(f"{path}: {problem}" for problem in problems))
        return cls(footer, lambda: _checked(path, footer["duration_ns"]), str(path))

    def __iter__(self) -> Iterator[pa.Table]:
        return self.opened()

    @property
    def duration_ns(self) -> int:
        """How long arrivals were observed; rates refer to it."""
        return int(self.footer["duration_ns"])

    def survey(self) -> Survey:
        """Read and check the whole trace once, and say what it holds.

        Raises
        ------
        TraceError
            Something is wrong with it.
        """
        requests, last = 0, 0
        models: set[str] = set()
        for chunk in self:
            requests += len(chunk)
            models.update(_models(chunk))
            last = chunk["arrival_ns"][-1].as_py() if len(chunk) else last
        return Survey(requests, tuple(sorted(models)), last)

    def changed(
        self, operation: Mapping[str, Any], opened: Callable[[], Iterator[pa.Table]], **footer: Any
    ) -> "TraceStream":
        """Return a stream of other chunks, `footer` merged in and `operation` appended to the history."""
        history = [*self.footer.get("history", []), dict(operation)]
        return TraceStream({**self.footer, **footer, "history": history}, opened, self.where)

    def collected(self) -> Trace:
        """Return the trace in memory, checked.

        Raises
        ------
        TraceError
            Something is wrong with it, or no request is left.
        """
        chunks = list(self)
        if not any(map(len, chunks)):
            raise TraceError(f"{self.where}: no request is left; keep more of the trace")
        return Trace.from_table(pa.concat_tables(chunks), self.footer, self.where)

    def write(self, path: str | Path, force: bool = False) -> Survey:
        """Write the trace as Parquet, whole or not at all, and say what was written.

        Raises
        ------
        TraceError
            It cannot be read or written, the file exists and `force` is false, or no request is left.
        """
        models: set[str] = set()
        last = [0]

        def seen() -> Iterator[pa.Table]:
            for chunk in self:
                if len(chunk):
                    models.update(_models(chunk))
                    last[0] = chunk["arrival_ns"][-1].as_py()
                yield chunk

        rows = write_parquet(path, seen(), json.dumps(self.footer, sort_keys=True, allow_nan=False), force)
        return Survey(rows, tuple(sorted(models)), last[0])


def _models(chunk: pa.Table) -> list[str]:
    names: Any = chunk["model"].unique().to_pylist()
    return list(names)


def _last_arrival_ns(path: Path, file: pq.ParquetFile) -> int:
    """Find how long the trace must have been observed at least, of a file that does not say it."""
    last = 0
    try:
        for batch in file.iter_batches(GROUP_ROWS, columns=["arrival_ns"]):
            last = max(last, int(pc.max(batch.column("arrival_ns")).as_py()))
    except (OSError, pa.ArrowException) as error:
        raise unreadable_parquet(path, error) from None
    except (KeyError, TypeError, ValueError):  # no such column, or no numbers: the first chunk will say so
        return 0
    return last


def _checked(path: Path, duration_ns: int) -> Iterator[pa.Table]:
    """Read chunk by chunk and check each, also against those before."""
    file, _ = opened_parquet(path)
    rows, highest_id, ids_ascend = 0, -(2**63), True
    before: tuple[int, int] | None = None
    try:
        for batch in file.iter_batches(GROUP_ROWS):
            if not len(batch):
                continue
            row = partial(_row, rows)
            table = pa.Table.from_batches([batch]).replace_schema_metadata(None)
            table, problems = conformed(table, row, rows, columns_left_out=False)
            problems += table_problems(table, duration_ns, row, before)
            if problems:
                raise TraceError(*(f"{path}: {problem}" for problem in problems))
            ids = table["request_id"].to_numpy()
            if ids_ascend and int(ids.min()) <= highest_id:
                ids_ascend = False
                _check_ids(path)
            rows, highest_id = rows + len(table), int(ids.max())
            before = table["arrival_ns"][-1].as_py(), int(ids[-1])
            yield table
    except (OSError, pa.ArrowException) as error:
        raise unreadable_parquet(path, error) from None
    if not rows:
        raise TraceError(f"{path}: no requests; a trace needs at least one")


def _row(first: int, number: int) -> str:
    return f"row {first + number}"


def _check_ids(path: Path) -> None:
    """Hold all ids at once (16 bytes a request); only needed where they do not ascend from chunk to chunk."""
    ids = np.sort(opened_parquet(path)[0].read(columns=["request_id"])["request_id"].to_numpy())
    twice = np.flatnonzero(ids[1:] == ids[:-1])
    if len(twice):
        found = f"found {ids[twice[0]]} more than once"
        raise TraceError(f"{path}: request_id is not unique ({found}); number the requests")
