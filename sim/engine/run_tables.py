"""What happened in a run, as tables of the run folder's schemas."""

import math
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from isim.engine.batch import Batch
from isim.policies.policy import Overlap, Request
from isim.run_schema import BATCHES, LATE, ON_TIME, OUTCOMES, OVERLAPS, PREDICTIONS, PREEMPTIONS, REQUESTS


class NotServed(NamedTuple):
    """How a request ended that was in no batch, with the attributes of one."""

    outcome: int
    batch_id: int = -1
    dispatched_s: float = math.nan
    finished_s: float = math.nan


def requests_table(requests: Sequence[Request], ended: Sequence[Batch | NotServed]) -> pa.Table:
    """Return the rows of requests and of how each ended; those in a batch that has not finished are unfinished."""
    ids, models, arrived, deadlines, *_ = zip(*requests, strict=True)
    arrived_s, deadline_s = np.array(arrived), np.array(deadlines)
    finished_s = _gather(ended, "finished_s")
    outcomes = _gather(ended, "outcome", np.int8)
    finished = ~np.isnan(finished_s)
    outcomes[finished] = np.where(finished_s[finished] <= deadline_s[finished], ON_TIME, LATE)
    batch_id = _gather(ended, "batch_id", np.int64)
    columns: list[Any] = [
        np.array(ids, dtype=np.int64),
        _coded(models, REQUESTS.field("model")),
        arrived_s,
        pa.array(_gather(ended, "dispatched_s"), from_pandas=True),
        pa.array(finished_s, from_pandas=True),
        pa.array(np.where(np.isinf(deadline_s), np.nan, deadline_s), from_pandas=True),
        pa.DictionaryArray.from_arrays(outcomes, np.array(OUTCOMES, dtype=object)),
        pa.array(batch_id, mask=batch_id < 0),
        pa.array(finished_s - arrived_s, from_pandas=True),
    ]
    return _table(columns, REQUESTS)


def batches_table(batches: Sequence[Batch]) -> pa.Table:
    """Return the rows of batches; those still on the GPU have no finish and no slowdown."""
    variants = [batch.variant for batch in batches]
    duration_s = _gather(batches, "duration_s")
    scale = _gather(batches, "work") * _gather(batches, "noise")
    solo_s = _gather(variants, "solo_s") * scale
    gap_s = _gather(variants, "gap_s") * scale
    kernel_s = solo_s - gap_s
    finished_s = _gather(batches, "finished_s")
    kernel_slowdown = np.divide(duration_s - gap_s, kernel_s, out=np.ones(len(batches)), where=kernel_s > 0)
    columns: list[Any] = [
        _gather(batches, "batch_id", np.int64),
        _gather(batches, "gpu", np.int32),
        _coded([variant.model for variant in variants], BATCHES.field("model")),
        np.array([len(batch.requests) for batch in batches], dtype=np.int32),
        _gather(variants, "batch_size", np.int32),
        _gather(batches, "dispatched_s"),
        pa.array(finished_s, from_pandas=True),
        solo_s,
        pa.array(np.where(np.isnan(finished_s), np.nan, duration_s / solo_s), from_pandas=True),
        pa.array(np.where(np.isnan(finished_s), np.nan, kernel_slowdown), from_pandas=True),
    ]
    return _table(columns, BATCHES)


def preemptions_table(batches: Sequence[Batch]) -> pa.Table:
    """Return the rows of batches that were preempted, or went on where one had been."""
    preempted = [batch.preempted for batch in batches]
    columns: list[Any] = [
        _gather(batches, "batch_id", np.int64),
        pa.array([batch.continues and batch.continues.batch_id for batch in batches], pa.int64()),
        pa.array([each and each.mode for each in preempted]).cast(PREEMPTIONS.field("mode").type),
        pa.array([each and each.asked_s for each in preempted], pa.float64()),
        pa.array(_gather(batches, "left_s"), from_pandas=True),
        pa.array([each and each.keeps for each in preempted], pa.bool_()),
    ]
    return _table(columns, PREEMPTIONS)


def overlaps_table(overlaps: Sequence[tuple[int, Overlap]]) -> pa.Table:
    """Return the rows of overlaps, each with its GPU."""
    intervals = [overlap for _, overlap in overlaps]
    residents = [overlap.batch_ids for overlap in intervals]
    offsets = np.concatenate([[0], np.cumsum(np.fromiter(map(len, residents), np.int32, len(residents)))])
    columns: list[Any] = [
        np.array([gpu for gpu, _ in overlaps], dtype=np.int32),
        _gather(intervals, "start_s"),
        _gather(intervals, "finish_s"),
        pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(np.fromiter(chain(*residents), np.int64))),
    ]
    return _table(columns, OVERLAPS)


Said = tuple[int, float, float, float, float]
"""Of a batch: its id, when it was asked about, the slowdown and deviation that were said, and what came, or NaN."""


def predictions_table(predictor: str, said: Sequence[Said]) -> pa.Table:
    """Return the rows of what one predictor said."""
    batch_ids, asked_s, slowdowns, sds, measured = zip(*said, strict=True) if said else ((),) * 5
    columns: list[Any] = [
        np.array(batch_ids, dtype=np.int64),
        _coded([predictor] * len(said), PREDICTIONS.field("predictor")),
        np.array(asked_s, dtype=np.float64),
        np.array(slowdowns, dtype=np.float64),
        np.array(sds, dtype=np.float64),
        pa.array(np.array(measured, dtype=np.float64), from_pandas=True),
    ]
    return _table(columns, PREDICTIONS)


def _gather(rows: Sequence[Any], attribute: str, kind: Any = np.float64) -> Any:
    return np.fromiter(map(attrgetter(attribute), rows), kind, len(rows))


def _coded(values: Sequence[str], field: Any) -> Any:
    """Return strings as a dictionary array, its entries in order of first appearance."""
    code = {value: i for i, value in enumerate(dict.fromkeys(values))}
    indices = np.fromiter(map(code.__getitem__, values), np.int64, len(values))
    return pa.DictionaryArray.from_arrays(pa.array(indices, field.type.index_type), pa.array(list(code), pa.string()))


def _table(columns: list[Any], schema: pa.Schema) -> pa.Table:
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, field.type)
        for values, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
