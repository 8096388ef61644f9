"""Write what happens in a run to Parquet while it happens; holds what is still open, not what has passed."""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isim.batch import Batch
from isim.policies.policy import Overlap, Request
from isim.run_schema import BATCHES, DROPPED, OVERLAPS, REJECTED, REQUESTS, UNFINISHED
from isim.run_tables import NotServed, batches_table, overlaps_table, requests_table

_ROWS = 1 << 16


_NOT_SERVED = {outcome: NotServed(outcome) for outcome in (REJECTED, DROPPED, UNFINISHED)}


class _Chunk:
    """Requests that arrived one after another, and how each ended."""

    __slots__ = ("ended", "open", "requests")

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.ended: list[Batch | NotServed] = [_NOT_SERVED[UNFINISHED]] * _ROWS
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
        self._writers = (self._requests, self._batches, self._overlaps)
        self._chunks: dict[int, _Chunk] = {}
        self._chunk_of: dict[int, tuple[_Chunk, int]] = {}
        self._next_chunk = 0
        self._last = _Chunk()
        self._open_batches: list[Batch] = []
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
        end = _NOT_SERVED[how] if isinstance(how, int) else how
        for request in requests:
            chunk, row = self._chunk_of.pop(request.request_id)
            chunk.ended[row] = end
            chunk.open -= 1
        oldest = self._chunks.get(self._next_chunk)
        if oldest is not None and not oldest.open and len(oldest.requests) == _ROWS:
            self._write_requests(all_open=False)

    def batch(self, batch: Batch) -> None:
        """Record a batch that has finished, or that is still on the GPU when the run stops."""
        self._open_batches.append(batch)
        self.batches += 1
        if len(self._open_batches) == _ROWS:
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
        for writer in self._writers:
            writer.close()

    def abandon(self) -> None:
        """Close the files of a run that failed, whatever is left in them or of the disk."""
        for writer in self._writers:
            with suppress(Exception):
                writer.close()

    def _write_requests(self, all_open: bool) -> None:
        while (chunk := self._chunks.get(self._next_chunk)) is not None:
            if not all_open and (chunk.open or len(chunk.requests) < _ROWS):
                return
            self._requests.write_table(requests_table(chunk.requests, chunk.ended[: len(chunk.requests)]))
            del self._chunks[self._next_chunk]
            self._next_chunk += 1

    def _write_batches(self) -> None:
        self._batches.write_table(batches_table(self._open_batches))
        self._open_batches.clear()

    def _write_overlaps(self) -> None:
        self._overlaps.write_table(overlaps_table(self._overlap_rows))
        self._overlap_rows.clear()
