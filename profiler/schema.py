"""The columns of a profile: one row per operation, in launch order, of each (model, batch size, SM share)."""

from typing import Any

import pyarrow as pa

SCHEMA_VERSION = "1"
ORIGINS = ("measured", "imported", "analytic")
KINDS = ("kernel", "memcpy_h2d", "memcpy_d2h", "memcpy_d2d", "memset", "end")
# Shares of the device's peak while the operation runs, 0..1; null = not measured.
UTILISATIONS = ("sm", "memory", "tensor", "l2", "dram", "pcie")
SHARES = (*UTILISATIONS, "occupancy", "sm_needed")

_SHARE_FIELDS: "list[pa.Field[Any]]" = [pa.field(name, pa.float64()) for name in SHARES]
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("model", pa.string(), nullable=False),
    pa.field("batch_size", pa.int64(), nullable=False),
    pa.field("sm_share", pa.float64(), nullable=False),  # 1 unless measured under a partition of the SMs
    pa.field("position", pa.int64(), nullable=False),  # launch order, from 0
    pa.field("kind", pa.string(), nullable=False),
    pa.field("name", pa.string(), nullable=False),
    pa.field("duration_ns", pa.int64(), nullable=False),  # median
    pa.field("duration_mad_ns", pa.int64()),  # median absolute deviation
    pa.field("samples", pa.int64()),
    pa.field("gap_ns", pa.int64(), nullable=False),  # idle time before the operation: launch, host, preprocessing
    *_SHARE_FIELDS,
    pa.field("grid", pa.int64()),  # blocks
    pa.field("block", pa.int64()),  # threads a block
    pa.field("registers", pa.int64()),  # a thread
    pa.field("shared_memory_bytes", pa.int64()),  # a block
    pa.field("bytes", pa.int64()),  # moved by a copy
]
SCHEMA = pa.schema(_FIELDS)
KEY = ("model", "batch_size", "sm_share", "position")
