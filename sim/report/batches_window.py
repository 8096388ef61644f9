"""The batches of a part of a run, compact enough to be drawn one by one."""

import heapq
from typing import Any

import numpy as np

from isim.run import Run, left_s

MOST = 4000
"""Batches in the interactive timeline."""


def batches_window(run: Run) -> dict[str, Any] | None:
    """Return the batches around the slowest request, all of them if they are few; None without any.

    Each batch is a row of numbers: start and duration in us since the start of the part, lane, model, batch size,
    requests, slowdown in thousandths (0 if it had not finished).
    """
    end_s = run.description["ending"]["end_s"]
    names = ["batch_id", "gpu", "model", "requests", "batch_size", "dispatched_s", "finished_s", "slowdown"]
    table = run.table("batches", names).sort_by("dispatched_s")
    if not len(table):
        return None
    first = max(0, min(_slowest(run, table) - MOST // 2, len(table) - MOST))
    part: Any = table.slice(first, MOST)
    start_s = part["dispatched_s"].to_numpy()
    finished_s = np.asarray(part["finished_s"].to_numpy())
    finish_s = left_s(run.folder, np.asarray(part["batch_id"].to_numpy()), finished_s, end_s)
    models = sorted(run.summary["models"])
    gpus = np.unique(part["gpu"].to_numpy()).tolist()
    lane_of, lanes = _lanes(part["gpu"].to_pylist(), start_s.tolist(), finish_s.tolist())
    from_s = float(start_s[0])
    columns = (
        np.rint((start_s - from_s) * 1e6).astype(int).tolist(),
        np.rint((finish_s - start_s) * 1e6).astype(int).tolist(),
        lane_of,
        [models.index(model) for model in part["model"].to_pylist()],
        part["batch_size"].to_pylist(),
        part["requests"].to_pylist(),
        np.rint(np.nan_to_num(np.asarray(part["slowdown"].to_numpy())) * 1e3).astype(int).tolist(),
    )
    return {
        "kind": "timeline", "title": "Timeline", "from": from_s, "models": models, "lanes": lanes, "gpus": len(gpus),
        "first": first, "of": len(table), "batches": [list(row) for row in zip(*columns, strict=True)],
    }  # fmt: skip


def _slowest(run: Run, table: Any) -> int:
    """Return the row of the batch with which the slowest request was dispatched."""
    requests = run.table("requests", ["dispatched_s", "latency_s"])
    latency_s = np.nan_to_num(np.asarray(requests["latency_s"].to_numpy()), nan=-1.0)
    if not len(latency_s) or latency_s.max() < 0:
        return 0
    dispatched_s = float(requests["dispatched_s"].to_numpy()[int(latency_s.argmax())])
    return int(np.searchsorted(table["dispatched_s"].to_numpy(), dispatched_s))


def _lanes(gpus: list[int], start_s: list[float], finish_s: list[float]) -> tuple[list[int], list[str]]:
    """Put batches that overlap into different lanes of their GPU, as few as possible."""
    free: dict[int, list[tuple[float, int]]] = {gpu: [] for gpu in sorted(set(gpus))}
    used = dict.fromkeys(free, 0)
    lane_of = []
    for gpu, start, finish in zip(gpus, start_s, finish_s, strict=True):
        if free[gpu] and free[gpu][0][0] <= start:
            _, lane = heapq.heappop(free[gpu])
        else:
            lane = used[gpu]
            used[gpu] += 1
        heapq.heappush(free[gpu], (finish, lane))
        lane_of.append(lane)
    above = dict(zip(used, np.cumsum([0, *used.values()]).tolist(), strict=False))
    names = [f"GPU {gpu}" + (f" · {lane + 1}" if used[gpu] > 1 else "") for gpu in used for lane in range(used[gpu])]
    return [above[gpu] + lane for gpu, lane in zip(gpus, lane_of, strict=True)], names
