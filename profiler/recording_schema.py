"""The columns of a co-location recording: one row per execution of a batch, or mean of many, alone or beside others."""

from typing import Any

import pyarrow as pa

SCHEMA_VERSION = "1"
ORIGINS = ("measured", "imported", "simulated")
SHARINGS = ("exclusive", "threads", "streams", "processes", "time-slicing", "mps")
# execution: the row is one execution. mean: over executions back to back while all members ran; from start to finish is
# how long one took, not when. makespan: launched together at 0, and finish is that of the last to finish.
STATISTICS = ("execution", "mean", "makespan")

_FIELDS: "list[pa.Field[Any]]" = [
    # One uninterrupted stretch in which its members ran side by side; its times count from its own start.
    pa.field("experiment", pa.int64(), nullable=False),
    pa.field("sharing", pa.string(), nullable=False),
    pa.field("statistic", pa.string(), nullable=False),  # what a row is, one of STATISTICS; execution if left out
    pa.field("member", pa.int64(), nullable=False),  # from 0; an experiment with one member is a solo measurement
    pa.field("model", pa.string(), nullable=False),
    pa.field("batch_size", pa.int64(), nullable=False),
    pa.field("sm_share", pa.float64(), nullable=False),  # 1 unless the member was held to a partition
    pa.field("stream", pa.int64()),
    pa.field("start_ns", pa.int64(), nullable=False),
    pa.field("finish_ns", pa.int64(), nullable=False),
    pa.field("solo_ns", pa.int64()),  # median of the solo executions measured in turn with it
    # False: not fully inside the interval in which all members ran, not measured, or rejected. Such a row is kept
    # because it explains what its co-runners overlapped; it is no measurement of its own duration.
    pa.field("counted", pa.bool_(), nullable=False),
    pa.field("slowdown", pa.float64()),  # (finish - start) / solo
    pa.field("slowdown_at_solo_clock", pa.float64()),  # slowdown x clock during it / clock of the solo executions
    pa.field("batches", pa.int64()),  # a mean is over so many, after which the member ended; null: others ended first
    pa.field("alone_ns", pa.int64()),  # how long, of the time that a mean is over, no other member ran
]
SCHEMA = pa.schema(_FIELDS)
KEY = ("experiment", "member", "start_ns")
