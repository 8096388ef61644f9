"""The columns of a run folder's tables, and how a request can end."""

from typing import Any

import pyarrow as pa

OUTCOMES = ("on-time", "late", "rejected", "dropped", "unfinished")
ON_TIME, LATE, REJECTED, DROPPED, UNFINISHED = range(5)


def _schema(*fields: "pa.Field[Any]") -> pa.Schema:
    return pa.schema(list(fields))


def _always(name: str, kind: pa.DataType) -> "pa.Field[Any]":
    return pa.field(name, kind, nullable=False)


_NAME = pa.dictionary(pa.int32(), pa.string())

REQUESTS = _schema(
    _always("request_id", pa.int64()),
    _always("model", _NAME),
    _always("arrived_s", pa.float64()),
    pa.field("dispatched_s", pa.float64()),
    pa.field("finished_s", pa.float64()),
    pa.field("deadline_s", pa.float64()),
    _always("outcome", pa.dictionary(pa.int8(), pa.string())),
    pa.field("batch_id", pa.int64()),
    pa.field("latency_s", pa.float64()),
)
BATCHES = _schema(
    _always("batch_id", pa.int64()),
    _always("gpu", pa.int32()),
    _always("model", _NAME),
    _always("requests", pa.int32()),
    _always("batch_size", pa.int32()),
    _always("dispatched_s", pa.float64()),
    pa.field("finished_s", pa.float64()),
    _always("solo_s", pa.float64()),
    pa.field("slowdown", pa.float64()),
    pa.field("kernel_slowdown", pa.float64()),
)
PREDICTIONS = _schema(
    _always("batch_id", pa.int64()),
    _always("predictor", _NAME),
    _always("asked_s", pa.float64()),
    _always("predicted_slowdown", pa.float64()),
    _always("predicted_sd", pa.float64()),
    pa.field("measured_slowdown", pa.float64()),
)
PREEMPTIONS = _schema(
    _always("batch_id", pa.int64()),
    pa.field("continues", pa.int64()),
    pa.field("mode", _NAME),
    pa.field("asked_s", pa.float64()),
    pa.field("left_s", pa.float64()),
    pa.field("kept", pa.bool_()),
)
"""Of batches that were preempted, or went on (`continues`) where one that was preempted had been."""
OVERLAPS = _schema(
    _always("gpu", pa.int32()),
    _always("start_s", pa.float64()),
    _always("finish_s", pa.float64()),
    _always("batch_ids", pa.list_(pa.int64())),
)
