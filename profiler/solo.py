"""Measure one batch alone: warm-up, repetitions timed by events, then its operations under a recorder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isim.profiler.device.contract import Bench, Kernel, Repetition, Workload
from isim.profiler.lanes import Executions
from isim.profiler.solo_result import solo_result
from isim.profiler.stopping import Stopping
from isim.profiler.telemetry import THROTTLING, Sample, Telemetry
from isim.profiler.warm_up import warm_up

_MAX_RECORDED = 200
_CHECKED_EVERY = 10  # deciding to stop takes time, in which the device cools


def measure_solo(bench: Bench, model: str, batch_size: int, stopping: Stopping) -> dict[str, Any]:
    """Measure one batch alone; return its profile rows under `operations` and how it went beside them.

    Raises
    ------
    ProfileError
        It cannot be loaded or run, or every repetition was throttled.
    """
    where = f"{model} at batch size {batch_size}"
    workload = bench.device.load(model, batch_size)
    try:
        if bench.telemetry is not None:
            bench.telemetry.start()
        try:
            stream = bench.device.stream(0)
            warm = warm_up(bench.device, workload, stream, bench.telemetry)
            plain, stopped_by = _repeat(bench, workload, stopping)
            recorded = _recorded(bench, workload, plain)
        finally:
            telemetry = bench.telemetry.stop() if bench.telemetry is not None else Telemetry.from_samples([])
        counted = bench.counters.measure(workload) if bench.counters is not None else []
    finally:
        workload.close()
    result = solo_result(where, plain, recorded, counted, telemetry, with_recorder=bench.recorder is not None)
    for position, row in enumerate(result["operations"]):
        row |= {"model": workload.model, "batch_size": batch_size, "sm_share": 1.0, "position": position}
    return {"model": workload.model, "batch_size": batch_size, "warm": warm, "stopped_by": stopped_by, **result}


def _repeat(bench: Bench, workload: Workload, stopping: Stopping) -> tuple[Executions, str]:
    device, stream = bench.device, bench.device.stream(0)
    begin_ns = device.now_ns()
    spans: list[tuple[int, int]] = []
    calm_ns: list[int] = []
    before = bench.telemetry.mark() if bench.telemetry is not None else None
    while True:
        start = device.record(stream)
        device.launch(workload, stream)
        finish = device.record(stream)  # before anything waits: the mark must stand right behind the work
        spans.append((start.time_ns(), finish.time_ns()))
        after = bench.telemetry.mark() if bench.telemetry is not None else None
        if not (_throttled(before) or _throttled(after)):
            calm_ns.append(spans[-1][1] - spans[-1][0])
        before = after
        elapsed_s = (device.now_ns() - begin_ns) * 1e-9
        if len(spans) % _CHECKED_EVERY and elapsed_s < stopping.timeout_s:
            continue
        reason = stopping.reason(calm_ns, elapsed_s)
        if reason is None and elapsed_s >= 3 * stopping.timeout_s:
            reason = "timeout"  # throttled from beginning to end: the caller says so
        if reason is not None:
            columns: npt.NDArray[np.int64] = np.array(spans, dtype=np.int64).T
            return Executions(columns[0], columns[1]), reason


def _recorded(bench: Bench, workload: Workload, plain: Executions) -> Sequence[Repetition]:
    if bench.recorder is not None:
        return bench.recorder.record(workload, min(len(plain.start_ns), _MAX_RECORDED))
    spans = zip(plain.start_ns.tolist(), plain.finish_ns.tolist(), strict=True)
    return [Repetition(start, finish, (Kernel(workload.model, start, finish),)) for start, finish in spans]


def _throttled(sample: Sample | None) -> bool:
    return sample is not None and bool((sample.throttle_reasons or 0) & THROTTLING)
