"""What happened in a run, as tables of the run folder's schemas."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from isim.batch import Batch
from isim.policies.policy import Overlap, Request
from isim.run_schema import BATCHES, LATE, ON_TIME, OUTCOMES, OVERLAPS, REQUESTS, UNFINISHED


def overlaps_table(overlaps: Sequence[tuple[int, Overlap]]) -> pa.Table:
    """Return the rows of overlaps, each with its GPU."""
    columns: list[Any] = [
        np.array([gpu for gpu, _ in overlaps], dtype=np.int32),
        np.array([overlap.start_s for _, overlap in overlaps]),
        np.array([overlap.finish_s for _, overlap in overlaps]),
        [overlap.batch_ids for _, overlap in overlaps],
    ]
    return _table(columns, OVERLAPS)


def _coded(values: list[str], field: Any) -> Any:
    """Return strings as a dictionary array, its entries in order of first appearance."""
    code = {value: i for i, value in enumerate(dict.fromkeys(values))}
    indices = np.array([code[value] for value in values], dtype=np.int64)
    return pa.DictionaryArray.from_arrays(pa.array(indices, field.type.index_type), pa.array(list(code), pa.string()))


def batches_table(batches: Sequence[Batch]) -> pa.Table:
    """Return the rows of batches; those still on the GPU have no finish and no slowdown."""
    duration_s = np.array([batch.duration_s for batch in batches])
    scale = np.array([batch.work * batch.noise for batch in batches])
    solo_s = np.array([batch.variant.solo_s for batch in batches]) * scale
    gap_s = np.array([batch.variant.gap_s for batch in batches]) * scale
    kernel_s = solo_s - gap_s
    finished_s = np.array([batch.finished_s for batch in batches])
    kernel_slowdown = np.divide(duration_s - gap_s, kernel_s, out=np.ones(len(batches)), where=kernel_s > 0)
    columns: list[Any] = [
        [batch.batch_id for batch in batches],
        np.array([batch.gpu for batch in batches], dtype=np.int32),
        _coded([batch.variant.model for batch in batches], BATCHES.field("model")),
        np.array([len(batch.requests) for batch in batches], dtype=np.int32),
        np.array([batch.variant.batch_size for batch in batches], dtype=np.int32),
        np.array([batch.dispatched_s for batch in batches]),
        pa.array(finished_s, from_pandas=True),
        solo_s,
        pa.array(np.where(np.isnan(finished_s), np.nan, duration_s / solo_s), from_pandas=True),
        pa.array(np.where(np.isnan(finished_s), np.nan, kernel_slowdown), from_pandas=True),
    ]
    return _table(columns, BATCHES)


def requests_table(requests: Sequence[Request], ended: Sequence[Batch | int | None]) -> pa.Table:
    """Return the rows of requests and of how each ended: in a batch, refused (an outcome) or not at all."""
    ended = ended[: len(requests)]
    batches = [how if isinstance(how, Batch) else None for how in ended]
    finished_s = np.array([math.nan if batch is None else batch.finished_s for batch in batches])
    dispatched_s = np.array([math.nan if batch is None else batch.dispatched_s for batch in batches])
    deadline_s = np.array([request.deadline_s for request in requests])
    arrived_s = np.array([request.arrived_s for request in requests])
    outcomes = np.array([UNFINISHED if how is None or isinstance(how, Batch) else how for how in ended], dtype=np.int8)
    finished = ~np.isnan(finished_s)
    outcomes[finished] = np.where(finished_s[finished] <= deadline_s[finished], ON_TIME, LATE)
    columns: list[Any] = [
        [request.request_id for request in requests],
        _coded([request.model for request in requests], REQUESTS.field("model")),
        arrived_s,
        pa.array(dispatched_s, from_pandas=True),
        pa.array(finished_s, from_pandas=True),
        pa.array(np.where(np.isinf(deadline_s), np.nan, deadline_s), from_pandas=True),
        pa.DictionaryArray.from_arrays(outcomes, np.array(OUTCOMES, dtype=object)),
        [None if batch is None else batch.batch_id for batch in batches],
        pa.array(finished_s - arrived_s, from_pandas=True),
    ]
    return _table(columns, REQUESTS)


def _table(columns: list[Any], schema: pa.Schema) -> pa.Table:
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, field.type)
        for values, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
