"""Keep streams busy side by side, each with batches of its own, and note when every batch started and finished."""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isim.profiler.device.contract import Device, Event, Stream, Workload

# One batch runs and one waits, so that the stream never runs dry between two batches.
_QUEUED = 2
_TIMEOUT_S = 60.0
_LOOK_NS = 100_000


class Lane(NamedTuple):
    """A stream and what it does again and again."""

    workload: Workload
    stream: Stream
    begin_ns: int
    """When its first batch is launched, on the device's clock: the lanes of a co-location begin at random phases."""


class Executions(NamedTuple):
    """When the batches of one lane started and finished, in order, on the device's clock."""

    start_ns: npt.NDArray[np.int64]
    finish_ns: npt.NDArray[np.int64]


def run_lanes(device: Device, lanes: Sequence[Lane], until_ns: int, at_least: int) -> list[Executions]:
    """Run the lanes' batches until a time, and on until so many of each lie inside the overlap, but no minute longer.

    Parameters
    ----------
    until_ns
        On the device's clock.
    at_least
        Executions of every lane that count.

    Examples
    --------
    >>> from isim.profiler.device.cpu import CpuDevice
    >>> from isim.profiler.workloads.callable_workload import CallableWorkload
    >>> device = CpuDevice("cpu")
    >>> lane = Lane(CallableWorkload("nothing", 1, lambda: None), device.stream(0), begin_ns=0)
    >>> executions, = run_lanes(device, [lane], until_ns=device.now_ns(), at_least=3)
    >>> len(executions.start_ns) >= 3
    True
    >>> device.close()
    """
    waiting: list[deque[tuple[Event, Event]]] = [deque() for _ in lanes]
    done: list[list[tuple[int, int]]] = [[] for _ in lanes]
    while True:
        now_ns = device.now_ns()
        enough = now_ns >= until_ns and _all_inside(done) >= at_least
        ending = enough or now_ns >= until_ns + _TIMEOUT_S * 1e9
        for lane, events, executions in zip(lanes, waiting, done, strict=True):
            while events and events[0][1].done():
                start, finish = events.popleft()
                executions.append((start.time_ns(), finish.time_ns()))
            while not ending and now_ns >= lane.begin_ns and len(events) < _QUEUED:
                start = device.record(lane.stream)
                device.launch(lane.workload, lane.stream)
                events.append((start, device.record(lane.stream)))
        heads = [events[0][1] for events in waiting if events]
        to_come_ns = [lane.begin_ns - now_ns for lane in lanes if lane.begin_ns > now_ns and not ending]
        if to_come_ns:
            # Waiting for a batch would let the others begin only where one ends, and their phases be all the same.
            device.sleep(min(*to_come_ns, _LOOK_NS) * 1e-9)
        elif heads:
            device.wait_any(heads)
        else:
            device.synchronise()  # says whether what ended last failed
            return [_executions(executions) for executions in done]


def inside_overlap(lanes: Sequence[Executions]) -> list[npt.NDArray[np.bool_]]:
    """Return which executions lie fully inside the time in which every lane was running.

    Examples
    --------
    >>> long = Executions(np.array([0, 40]), np.array([40, 80]))
    >>> short = Executions(np.array([5, 15, 25, 35]), np.array([15, 25, 35, 45]))
    >>> [inside.tolist() for inside in inside_overlap([long, short])]
    [[False, False], [True, True, True, True]]
    """
    if any(len(lane.start_ns) == 0 for lane in lanes):
        return [np.zeros(len(lane.start_ns), dtype=np.bool_) for lane in lanes]
    first_ns = max(lane.start_ns[0] for lane in lanes)
    last_ns = min(lane.finish_ns[-1] for lane in lanes)
    return [(lane.start_ns >= first_ns) & (lane.finish_ns <= last_ns) for lane in lanes]


def _all_inside(done: Sequence[list[tuple[int, int]]]) -> int:
    """Return the least number of executions inside the overlap that a lane has."""
    return min(int(inside.sum()) for inside in inside_overlap([_executions(executions) for executions in done]))


def _executions(pairs: list[tuple[int, int]]) -> Executions:
    columns: Any = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Executions(columns[0], columns[1])
