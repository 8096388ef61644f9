"""Write what happens in a run to Parquet while it happens; holds what is still open, not what has passed."""

import math
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isim.engine.batch import Batch
from isim.engine.run_tables import (
    NotServed,
    Said,
    batches_table,
    overlaps_table,
    predictions_table,
    preemptions_table,
    requests_table,
)
from isim.policies.policy import Overlap, Request
from isim.policies.predictors.predictor import Prediction
from isim.run_schema import BATCHES, DROPPED, OVERLAPS, PREDICTIONS, PREEMPTIONS, REJECTED, REQUESTS, UNFINISHED

_ROWS = 1 << 16
_NOT_SERVED = {outcome: NotServed(outcome) for outcome in (REJECTED, DROPPED, UNFINISHED)}


class Recorder:
    """Collect requests, batches and overlaps, and write them row group by row group.

    Requests are written in order of arrival, a row group once all of its requests have ended; batches in order of
    finish; overlaps in order of time.

    Parameters
    ----------
    folder
        An existing folder for the files.
    predictor
        Whose predictions are kept as well, in order of finish; empty if there is none.
    """

    def __init__(self, folder: Path, predictor: str = "") -> None:
        def writer(name: str, schema: pa.Schema) -> pq.ParquetWriter:
            return pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")

        self._requests = writer("requests", REQUESTS)
        self._batches = writer("batches", BATCHES)
        self._overlaps = writer("overlaps", OVERLAPS)
        self._writers = [self._requests, self._batches, self._overlaps]
        self._predictor = predictor
        if predictor:
            self._predictions = writer("predictions", PREDICTIONS)
            self._writers.append(self._predictions)
        self._said: list[Said] = []
        self._folder = folder
        self._preemptions: pq.ParquetWriter | None = None
        """Made when there is one: most runs have none, and no such file."""
        self._interrupted: list[Batch] = []
        self._arrived: list[list[Request]] = [[]]
        """Requests that are not written yet, a list for each row group."""
        self._ends: dict[int, Batch | NotServed] = {}
        """How each of them ended, by request id; open ones are missing."""
        self._ended_before = 0
        """How many of the first row group are known to have ended: all up to there."""
        self._open_batches: list[Batch] = []
        self._overlap_rows: list[tuple[int, Overlap]] = []
        self.requests = 0
        self.batches = 0
        self.preemptions = 0

    def arrived(self, request: Request) -> None:
        """Open a row for a request."""
        requests = self._arrived[-1]
        if len(requests) == _ROWS:
            self._arrived.append(requests := [])
        requests.append(request)
        self.requests += 1

    def ended(self, requests: tuple[Request, ...], how: Batch | int) -> None:
        """Close the rows of requests that finished in a batch or were refused (an outcome)."""
        end = _NOT_SERVED[how] if isinstance(how, int) else how
        ends = self._ends
        for request in requests:
            ends[request.request_id] = end
        if len(self._arrived) > 1:
            self._write_ended()

    def batch(self, batch: Batch) -> None:
        """Record a batch that has finished, or that is still on the GPU when the run stops."""
        self._open_batches.append(batch)
        self.batches += 1
        if batch.preempted is not None or batch.continues is not None:
            self._interrupted.append(batch)
            self.preemptions += batch.preempted is not None
        if len(self._open_batches) == _ROWS:
            self._write_batches()

    def overlap(self, gpu: int, overlap: Overlap) -> None:
        """Record an interval with a constant set of residents."""
        self._overlap_rows.append((gpu, overlap))
        if len(self._overlap_rows) == _ROWS:
            self._write_overlaps()

    def predicted(self, batch: Batch, said: Prediction, measured: float | None) -> None:
        """Record what was said of a batch at its dispatch, and its slowdown if it has finished."""
        slowdown, sd = said
        came = math.nan if measured is None else measured
        self._said.append((batch.batch_id, batch.dispatched_s, slowdown, sd, came))
        if len(self._said) == _ROWS:
            self._write_predictions()

    def still_resident(self, batch: Batch) -> None:
        """Record a batch that the end of the run cut off; its requests keep their rows open."""
        for request in batch.requests:
            self._ends[request.request_id] = batch
        self.batch(batch)

    def finish(self) -> None:
        """Write what is left; requests still open become unfinished."""
        for requests in self._arrived:
            self._write_requests(requests)
        self._write_batches()
        self._write_overlaps()
        if self._predictor:
            self._write_predictions()
        for writer in self._writers:
            writer.close()

    def abandon(self) -> None:
        """Close the files of a run that failed, whatever is left in them or of the disk."""
        for writer in self._writers:
            with suppress(Exception):
                writer.close()

    def _write_ended(self) -> None:
        """Write the first row groups, as far as all of their requests have ended; each request is looked at once."""
        while len(self._arrived) > 1:
            requests, ends = self._arrived[0], self._ends
            while self._ended_before < _ROWS and requests[self._ended_before].request_id in ends:
                self._ended_before += 1
            if self._ended_before < _ROWS:
                return
            self._write_requests(self._arrived.pop(0))
            self._ended_before = 0

    def _write_requests(self, requests: list[Request]) -> None:
        if requests:
            unfinished = _NOT_SERVED[UNFINISHED]
            ends = [self._ends.pop(request.request_id, unfinished) for request in requests]
            self._requests.write_table(requests_table(requests, ends))

    def _write_batches(self) -> None:
        self._batches.write_table(batches_table(self._open_batches))
        self._open_batches.clear()
        if self._interrupted:
            if self._preemptions is None:
                path = self._folder / "preemptions.parquet"
                self._preemptions = pq.ParquetWriter(path, PREEMPTIONS, compression="zstd")
                self._writers.append(self._preemptions)
            self._preemptions.write_table(preemptions_table(self._interrupted))
            self._interrupted.clear()

    def _write_overlaps(self) -> None:
        self._overlaps.write_table(overlaps_table(self._overlap_rows))
        self._overlap_rows.clear()

    def _write_predictions(self) -> None:
        self._predictions.write_table(predictions_table(self._predictor, self._said))
        self._said.clear()
