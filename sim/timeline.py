"""A run as a timeline for Perfetto (https://ui.perfetto.dev): Chrome's trace event format."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isim.kernel_spans import kernel_spans
from isim.run import Run, left_s

_CHUNK = 20_000
_REQUESTS = 0
"""The process under which requests stand; GPU g is process g + 1."""

Event = dict[str, Any]


def write_timeline(run: Run, path: Path, from_s: float = 0.0, to_s: float = float("inf"), kernels: bool = False) -> int:
    """Write requests, batches, overlaps and queue lengths of a part of a run; return how many events.

    Parameters
    ----------
    path
        Written whole or not at all.
    from_s, to_s
        What begins in this part of the run is written.
    kernels
        Write also when each kernel of these batches ran, below the batch.

    Raises
    ------
    IsimError
        A table cannot be read, or `kernel_spans` cannot tell of the kernels.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            count = _write(file, _events(run, from_s, to_s, kernels))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write(file: TextIO, events: Iterator[Event]) -> int:
    count = 0
    file.write('{"displayTimeUnit":"ms","traceEvents":[\n')
    for event in events:
        file.write((",\n" if count else "") + json.dumps(event, separators=(",", ":")))
        count += 1
    file.write("\n]}\n")
    return count


def _events(run: Run, from_s: float, to_s: float, kernels: bool) -> Iterator[Event]:
    yield _named(_REQUESTS, "requests")
    drawn: dict[int, Event] = {}
    for event in _batches(run, from_s, to_s):
        if kernels and event["ph"] == "X":
            drawn[event["args"]["batch_id"]] = event
        yield event
    if drawn:
        yield from _kernels(run, drawn)
    yield from _overlaps(run, from_s, to_s)
    yield from _requests(run, from_s, to_s)
    yield from _queue(run, from_s, to_s)


def _batches(run: Run, from_s: float, to_s: float) -> Iterator[Event]:
    table = run.table("batches")
    end_s = run.description["ending"]["end_s"]
    finished_s = np.asarray(table["finished_s"].to_numpy())
    gone_s = left_s(run.folder, np.asarray(table["batch_id"].to_numpy()), finished_s, end_s)
    table = _part(table.append_column("left_s", pa.array(gone_s)), "dispatched_s", from_s, to_s)
    for gpu in np.unique(table["gpu"].to_numpy()).tolist():
        yield _named(gpu + 1, f"GPU {gpu}")
    free: dict[int, list[float]] = {}
    for row in _rows(table.sort_by("dispatched_s")):
        finish_s = row["left_s"]
        lanes = free.setdefault(row["gpu"], [])
        lane = next((lane for lane, until_s in enumerate(lanes) if until_s <= row["dispatched_s"]), len(lanes))
        lanes[lane : lane + 1] = [finish_s]
        yield {
            "name": f"{row['model']} x{row['batch_size']}", "cat": "batch", "ph": "X", "pid": row["gpu"] + 1,
            "tid": lane, "ts": _us(row["dispatched_s"]),
            "dur": round(_us(finish_s) - _us(row["dispatched_s"]), 3),
            "args": {name: row[name] for name in ("batch_id", "requests", "solo_s", "slowdown", "kernel_slowdown")},
        }  # fmt: skip


def _kernels(run: Run, drawn: Mapping[int, Event]) -> Iterator[Event]:
    """Yield kernels in the rows of their batches, within which Perfetto shows them."""
    for batch_id, name, start_s, finish_s in kernel_spans(run, drawn):
        batch = drawn[batch_id]
        start_us, finish_us = _us(start_s), min(_us(finish_s), round(batch["ts"] + batch["dur"], 3))
        yield {
            "name": name, "cat": "kernel", "ph": "X", "pid": batch["pid"], "tid": batch["tid"],
            "ts": start_us, "dur": round(finish_us - start_us, 3), "args": {"batch_id": batch_id},
        }  # fmt: skip


def _overlaps(run: Run, from_s: float, to_s: float) -> Iterator[Event]:
    last: dict[int, float] = {}
    for row in _rows(_part(run.table("overlaps"), "start_s", from_s, to_s)):
        gpu = row["gpu"]
        if gpu in last and last[gpu] < row["start_s"]:  # nothing was resident in between
            yield _counter(gpu + 1, "resident batches", last[gpu], 0)
        yield _counter(gpu + 1, "resident batches", row["start_s"], len(row["batch_ids"]))
        last[gpu] = row["finish_s"]
    for gpu, finish_s in last.items():
        yield _counter(gpu + 1, "resident batches", finish_s, 0)


def _requests(run: Run, from_s: float, to_s: float) -> Iterator[Event]:
    end_s = run.description["ending"]["end_s"]
    for row in _rows(_part(run.table("requests"), "arrived_s", from_s, to_s)):
        common = {"cat": "request", "id": row["request_id"], "pid": _REQUESTS, "tid": 0, "name": row["model"]}
        finish_s = next((each for each in (row["finished_s"], row["dispatched_s"]) if each is not None), None)
        # Of who is refused, no time is kept but that of the arrival.
        refused = row["outcome"] in ("rejected", "dropped")
        ends_s = finish_s if finish_s is not None else row["arrived_s"] if refused else end_s
        args = {name: row[name] for name in ("outcome", "batch_id", "deadline_s", "latency_s")}
        yield {**common, "ph": "b", "ts": _us(row["arrived_s"]), "args": args}
        if row["dispatched_s"] is not None:
            yield {**common, "ph": "n", "ts": _us(row["dispatched_s"]), "name": "dispatched"}
        yield {**common, "ph": "e", "ts": _us(max(ends_s, row["arrived_s"]))}


def _queue(run: Run, from_s: float, to_s: float) -> Iterator[Event]:
    """Yield how many requests wait, of each model, whenever that changes; of those that were dispatched."""
    table = run.table("requests", ["model", "arrived_s", "dispatched_s"])
    table = table.filter(pc.is_valid(table["dispatched_s"]))
    for model in table["model"].unique().to_pylist():
        own = table.filter(pc.equal(table["model"], pa.scalar(str(model))))
        time_s = np.concatenate([own["arrived_s"].to_numpy(), own["dispatched_s"].to_numpy()])
        order = np.argsort(time_s, kind="stable")
        waiting = np.cumsum(np.repeat([1, -1], len(own))[order])
        time_s = time_s[order]
        last = np.append(np.diff(time_s) > 0, True) & (from_s <= time_s) & (time_s <= to_s)
        for start in range(0, int(last.sum()), _CHUNK):
            at = np.flatnonzero(last)[start : start + _CHUNK]
            for each_s, count in zip(time_s[at].tolist(), waiting[at].tolist(), strict=True):
                yield _counter(_REQUESTS, f"waiting {model}", each_s, count)


def _part(table: pa.Table, column: str, from_s: float, to_s: float) -> pa.Table:
    time_s = np.asarray(table[column].to_numpy())
    return table.filter(pa.array((from_s <= time_s) & (time_s <= to_s)))


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield rows, few at a time as Python objects."""
    for batch in table.to_batches(max_chunksize=_CHUNK):
        yield from batch.to_pylist()


def _named(pid: int, name: str) -> Event:
    return {"name": "process_name", "ph": "M", "pid": pid, "tid": 0, "args": {"name": name}}


def _counter(pid: int, name: str, time_s: float, value: int) -> Event:
    return {"name": name, "ph": "C", "pid": pid, "tid": 0, "ts": _us(time_s), "args": {"count": value}}


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 3)
