"""Write what happens in a run to Parquet while it happens; holds what is still open, not what has passed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isim.batch import Batch
from isim.policies.policy import Overlap, Request

REQUESTS = pa.schema(
    [
        pa.field("request_id", pa.int64(), nullable=False),
        pa.field("model", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("arrived_s", pa.float64(), nullable=False),
        ("dispatched_s", pa.float64()),
        ("finished_s", pa.float64()),
        ("deadline_s", pa.float64()),
        pa.field("outcome", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        ("batch_id", pa.int64()),
        ("latency_s", pa.float64()),
    ]
)
BATCHES = pa.schema(
    [
        pa.field("batch_id", pa.int64(), nullable=False),
        pa.field("gpu", pa.int32(), nullable=False),
        pa.field("model", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("requests", pa.int32(), nullable=False),
        pa.field("batch_size", pa.int32(), nullable=False),
        pa.field("dispatched_s", pa.float64(), nullable=False),
        ("finished_s", pa.float64()),
        pa.field("solo_s", pa.float64(), nullable=False),
        ("slowdown", pa.float64()),
        ("kernel_slowdown", pa.float64()),
    ]
)
OVERLAPS = pa.schema(
    [
        pa.field("gpu", pa.int32(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("finish_s", pa.float64(), nullable=False),
        pa.field("batch_ids", pa.list_(pa.int64()), nullable=False),
    ]
)

OUTCOMES = ("on-time", "late", "rejected", "dropped", "unfinished")
ON_TIME, LATE, REJECTED, DROPPED, UNFINISHED = range(5)

_ROWS = 1 << 16


class _Chunk:
    """Requests that arrived one after another, and how each ended."""

    __slots__ = ("ended", "open", "requests")

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.ended: list[Batch | int | None] = [None] * _ROWS
        self.open = 0


class Recorder:
    """Collect requests, batches and overlaps, and write them row group by row group.

    Requests are written in order of arrival, a row group once all of its requests have ended; batches in order of
    finish; overlaps in order of time.

    Parameters
    ----------
    folder
        An existing folder for the three files.
    """

    def __init__(self, folder: Path) -> None:
        def writer(name: str, schema: pa.Schema) -> pq.ParquetWriter:
            return pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")

        self._requests = writer("requests", REQUESTS)
        self._batches = writer("batches", BATCHES)
        self._overlaps = writer("overlaps", OVERLAPS)
        self._chunks: dict[int, _Chunk] = {}
        self._chunk_of: dict[int, tuple[_Chunk, int]] = {}
        self._next_chunk = 0
        self._last = _Chunk()
        self._batch_rows: list[tuple[Any, ...]] = []
        self._overlap_rows: list[tuple[int, Overlap]] = []
        self.requests = 0
        self.batches = 0

    def arrived(self, request: Request) -> None:
        """Open a row for a request."""
        row = self.requests & (_ROWS - 1)
        if row == 0:
            self._last = self._chunks[self.requests // _ROWS] = _Chunk()
        chunk = self._last
        self._chunk_of[request.request_id] = (chunk, row)
        chunk.requests.append(request)
        chunk.open += 1
        self.requests += 1

    def ended(self, requests: tuple[Request, ...], how: Batch | int) -> None:
        """Close the rows of requests that finished in a batch or were refused (an outcome)."""
        for request in requests:
            chunk, row = self._chunk_of.pop(request.request_id)
            chunk.ended[row] = how
            chunk.open -= 1
        oldest = self._chunks.get(self._next_chunk)
        if oldest is not None and not oldest.open and len(oldest.requests) == _ROWS:
            self._write_requests(all_open=False)

    def batch(self, batch: Batch) -> None:
        """Record a batch that has finished, or that is still on the GPU when the run stops."""
        done = batch.finished_s is not None
        self._batch_rows.append(
            (
                batch.batch_id, batch.gpu, batch.model, len(batch.requests), batch.batch_size, batch.dispatched_s,
                batch.finished_s, batch.actual_solo_s, batch.slowdown if done else None,
                batch.kernel_slowdown if done else None,
            )
        )  # fmt: skip
        self.batches += 1
        if len(self._batch_rows) == _ROWS:
            self._write_batches()

    def overlap(self, gpu: int, overlap: Overlap) -> None:
        """Record an interval with a constant set of residents."""
        self._overlap_rows.append((gpu, overlap))
        if len(self._overlap_rows) == _ROWS:
            self._write_overlaps()

    def still_resident(self, batch: Batch) -> None:
        """Record a batch that the end of the run cut off; its requests keep their rows open."""
        for request in batch.requests:
            chunk, row = self._chunk_of[request.request_id]
            chunk.ended[row] = batch
        self.batch(batch)

    def finish(self) -> None:
        """Write what is left; requests still open become unfinished."""
        self._write_requests(all_open=True)
        self._write_batches()
        self._write_overlaps()
        self.close()

    def close(self) -> None:
        """Close the files as they are."""
        for writer in (self._requests, self._batches, self._overlaps):
            writer.close()

    def _write_requests(self, all_open: bool) -> None:
        while (chunk := self._chunks.get(self._next_chunk)) is not None:
            if not all_open and (chunk.open or len(chunk.requests) < _ROWS):
                return
            self._requests.write_table(_request_table(chunk))
            del self._chunks[self._next_chunk]
            self._next_chunk += 1

    def _write_batches(self) -> None:
        columns = list(zip(*self._batch_rows, strict=True)) or [()] * len(BATCHES)
        self._batches.write_table(_table(columns, BATCHES))
        self._batch_rows.clear()

    def _write_overlaps(self) -> None:
        rows = self._overlap_rows
        columns = [
            [gpu for gpu, _ in rows],
            [overlap.start_s for _, overlap in rows],
            [overlap.finish_s for _, overlap in rows],
            [overlap.batch_ids for _, overlap in rows],
        ]
        self._overlaps.write_table(_table(columns, OVERLAPS))
        rows.clear()


def _request_table(chunk: _Chunk) -> pa.Table:
    requests, ended = chunk.requests, chunk.ended[: len(chunk.requests)]
    batches = [how if isinstance(how, Batch) else None for how in ended]
    finished_s = [batch and batch.finished_s for batch in batches]
    deadline_s = [request.deadline_s for request in requests]
    outcomes = [
        (ON_TIME if end_s <= limit_s else LATE) if end_s is not None else (how if isinstance(how, int) else UNFINISHED)
        for how, end_s, limit_s in zip(ended, finished_s, deadline_s, strict=True)
    ]
    columns: list[Any] = [
        [request.request_id for request in requests],
        [request.model for request in requests],
        [request.arrived_s for request in requests],
        [batch and batch.dispatched_s for batch in batches],
        finished_s,
        [limit_s if limit_s < float("inf") else None for limit_s in deadline_s],
        pa.DictionaryArray.from_arrays(pa.array(outcomes, pa.int8()), list(OUTCOMES)),
        [batch and batch.batch_id for batch in batches],
        [
            None if end_s is None else end_s - request.arrived_s
            for request, end_s in zip(requests, finished_s, strict=True)
        ],
    ]
    return _table(columns, REQUESTS)


def _table(columns: list[Any], schema: pa.Schema) -> pa.Table:
    make: Callable[[Any, pa.Field], pa.Array] = lambda values, field: (  # noqa: E731
        values if isinstance(values, pa.Array) else pa.array(values, field.type)
    )
    return pa.Table.from_arrays([make(v, f) for v, f in zip(columns, schema, strict=True)], schema=schema)
