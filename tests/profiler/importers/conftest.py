"""Small files as profilers write them, made of a few operations each."""

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

KERNELS = """CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER,
    correlationId INTEGER, globalPid INTEGER, demangledName INTEGER, shortName INTEGER, registersPerThread INTEGER,
    gridX INTEGER, gridY INTEGER, gridZ INTEGER, blockX INTEGER, blockY INTEGER, blockZ INTEGER,
    staticSharedMemory INTEGER, dynamicSharedMemory INTEGER)"""
RUNTIME = "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, globalTid INTEGER, correlationId INTEGER)"
RANGES = """CREATE TABLE NVTX_EVENTS (start INTEGER, end INTEGER, eventType INTEGER, text TEXT, textId INTEGER,
    globalTid INTEGER)"""
PID, TID = 77 << 24, (77 << 24) + 5

Operation = tuple[str, int, int]  # name, start and finish in ns


@pytest.fixture
def nsys_export(tmp_path: Path) -> Callable[..., Path]:
    """Write an SQLite export: operations launched 10 ns before they start, and ranges as (name, start, finish)."""

    def write(
        operations: Iterable[Operation], ranges: Iterable[Operation] = (), stream: int = 7, name: str = "run.sqlite"
    ) -> Path:
        path = tmp_path / name
        database = sqlite3.connect(path)
        for table in (KERNELS, RUNTIME, RANGES, "CREATE TABLE StringIds (id INTEGER, value TEXT)"):
            database.execute(table)
        for i, (kernel, start, finish) in enumerate(operations):
            database.execute("INSERT INTO StringIds VALUES (?, ?)", (i, kernel))
            row = (start, finish, 0, stream, i, PID, i, i, 32, 4, 2, 1, 128, 1, 1, 100, 28)
            database.execute(f"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES ({','.join('?' * len(row))})", row)
            database.execute("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (?, ?, ?)", (start - 10, TID, i))
        for text, start, finish in ranges:
            database.execute("INSERT INTO NVTX_EVENTS VALUES (?, ?, 59, ?, NULL, ?)", (start, finish, text, TID))
        database.commit()
        database.close()
        return path

    return write


@pytest.fixture
def kineto_trace(tmp_path: Path) -> Callable[..., Path]:
    """Write a trace: GPU events as given over the fields of a kernel, and events of the host as they are."""

    def write(events: Iterable[dict[str, Any]], host: Iterable[dict[str, Any]] = (), **header: Any) -> Path:
        path = tmp_path / "trace.json.gz"
        made = []
        for i, event in enumerate(events):
            args = {"device": 0, "stream": 7, "correlation": i, "grid": [4, 2, 1], "block": [128, 1, 1]}
            args |= {"registers per thread": 32, "shared memory": 128} | event.get("args", {})
            made.append({"ph": "X", "cat": "kernel", "pid": 0, "tid": 7, "name": "gemm", **event, "args": args})
        text = json.dumps({"schemaVersion": 1, **header, "traceEvents": [*made, *host]})
        path.write_bytes(gzip.compress(text.encode()))
        return path

    return write
