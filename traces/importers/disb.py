"""DISB: a JSON file of tasks, each a model with a load: periodic, Poisson, a list of times, or after other tasks."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.delimited import opened, unreadable
from isim.traces.importers.recorded import source_of
from isim.traces.schema import MOST_REQUESTS
from isim.traces.streams import stream
from isim.traces.trace import Trace

_SECOND_NS = 1_000_000_000
_SOURCE = {
    "name": "DISB",
    "url": "https://github.com/SJTU-IPADS/disb",
    "licence": "Apache-2.0",
    "citation": "Han et al., Microsecond-scale Preemption for Concurrent GPU-accelerated DNN Inferences, OSDI 2022",
}
_CLOSED = "closed loop (continuous), which only clients of a run can be"
_JOINED = "waits for several tasks, of which a trace holds one"


class _Task(NamedTuple):
    name: str
    model: str
    batch: int
    load: Mapping[str, Any]


def read_disb(path: str | Path, seed: int = 0) -> Trace:
    """Return the tasks of which a file can hold the arrivals; the others are counted as dropped, by reason and name.

    Periodic tasks of priority 0 and equal frequency are offset by equal parts of their period, so that they never
    meet. A task that depends on one other arrives when that one has finished (`parent_id`). DISB's priority 0, the
    most urgent, stays 0, and its larger ones become negative. The tenant is the task; a name that ends in `_rt` or
    `_be` gives the class.

    Parameters
    ----------
    seed
        Of the Poisson tasks, of which the file holds only the rate.

    Raises
    ------
    TraceError
        The file is missing or of another format, a task makes no sense, or none has arrivals that a file can hold.

    Examples
    --------
    >>> task = {"load": {"type": "periodic", "frequency": 2}, "client": {"name": "camera"}}
    >>> _ = Path("disb.json").write_text(json.dumps({"time": 2, "tasks": [task]}))
    >>> trace = read_disb("disb.json")
    >>> trace.models, trace.arrival_ns / 1e9
    (('camera',), array([0. , 0.5, 1. , 1.5]))
    """
    path = Path(path)
    length_ns, tasks = _tasks(path)
    dropped: Counter[str] = Counter()
    arrivals: dict[str, npt.NDArray[np.int64]] = {}
    phases = _phases(tasks)
    for task in tasks:
        if task.load.get("type") == "continuous":
            dropped[f"{_CLOSED}: {task.name}"] += 1
        elif task.load.get("type") != "dependent":
            arrivals[task.name] = _open_loop(path, task, length_ns, phases.get(task.name, 0.0), seed)
    parents = _parents(path, tasks, arrivals, dropped)
    if not sum(map(len, arrivals.values())):
        reasons = "; ".join(dropped) or "no tasks"
        raise TraceError(f"{path}: no task has arrivals that a file can hold ({reasons}); run it with --clients")
    source = source_of(path, _SOURCE, len(tasks), dropped)
    return _trace(path, {task.name: task for task in tasks}, arrivals, parents, length_ns, source)


def _tasks(path: Path) -> tuple[int, list[_Task]]:
    with opened(path) as file:
        try:
            text = file.read().decode("utf-8-sig")
        except (OSError, EOFError, ValueError) as error:
            raise unreadable(path, error) from None
    tasks = []
    try:
        content = json.loads(text)
        length_ns = round(float(content["time"]) * _SECOND_NS)
        for number, task in enumerate(content["tasks"]):
            client = task["client"]
            name = str(task.get("id") or client.get("name") or f"task {number}")
            load = dict(task["load"] if "load" in task else task["strategy"])  # as older files call it
            if not 0 < (batch := int(client.get("batch_size", 1))) < 2**31:
                raise ValueError(f"a batch size of {batch}")
            tasks.append(_Task(name, str(client.get("model_name") or name), batch, load))
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError) as error:
        told = str(error) if isinstance(error, ValueError | OverflowError) else "a list or text where a table belongs"
        found = f"no {error}" if isinstance(error, KeyError) else told
        raise TraceError(
            f"{path}: not a workload of DISB ({found}); it has a time, and tasks with a load and a client"
        ) from None
    twice = [name for name, count in Counter(task.name for task in tasks).items() if count > 1]
    if twice:
        raise TraceError(f"{path}: two tasks are called {twice[0]!r}; give each its id")
    return length_ns, tasks


def _phases(tasks: list[_Task]) -> dict[str, float]:
    """Return the offset of each coordinated task, in periods."""
    groups: dict[Any, list[str]] = {}
    for task in tasks:
        if task.load.get("type") == "periodic" and not task.load.get("priority", 0):
            groups.setdefault(task.load.get("frequency"), []).append(task.name)
    return {name: place / len(group) for group in groups.values() for place, name in enumerate(group)}


def _open_loop(path: Path, task: _Task, length_ns: int, phase: float, seed: int) -> npt.NDArray[np.int64]:
    kind = task.load.get("type")
    if kind not in ("periodic", "poisson", "trace"):
        raise TraceError(f"{path}: the load of {task.name!r} is of no known type (found {kind!r}); correct it")
    try:
        if kind == "trace":
            times_ns = np.sort(np.array([round(float(time) * 1e6) for time in task.load["trace"]], dtype=np.int64))
            if len(times_ns) and times_ns[0] < 0:
                raise ValueError(f"a time of {times_ns[0] / 1e6:g} ms")
            return times_ns
        frequency_hz = float(task.load["frequency"])
        if not 0 <= frequency_hz < 1e9:
            raise ValueError(f"a frequency of {frequency_hz:g}")
        if (expected := frequency_hz * length_ns / 1e9) > MOST_REQUESTS:
            raise ValueError(f"{expected:.3g} requests")
        if frequency_hz == 0:
            return np.empty(0, dtype=np.int64)
        if kind == "periodic":
            period_ns = _SECOND_NS / frequency_hz
            times_ns = ((np.arange(int(length_ns / period_ns) + 1) + phase) * period_ns).astype(np.int64)
            return times_ns[times_ns < length_ns]
        rng = stream(seed, "disb", task.name)
        return np.sort(rng.integers(0, length_ns, rng.poisson(frequency_hz * length_ns / 1e9)))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise TraceError(f"{path}: the load of {task.name!r} makes no sense ({error}); correct it") from None


def _parents(
    path: Path, tasks: list[_Task], arrivals: dict[str, npt.NDArray[np.int64]], dropped: "Counter[str]"
) -> dict[str, str]:
    """Let each dependent task arrive with the one before it, at the earliest; return which that is."""
    parents: dict[str, str] = {}
    waiting = [task for task in tasks if task.load.get("type") == "dependent"]
    while waiting:
        left = []
        for task in waiting:
            before = [str(name) for name in task.load.get("prev_task_ids", [])]
            unknown = [name for name in before if name not in {other.name for other in tasks}]
            if unknown or not before:
                raise TraceError(f"{path}: {task.name!r} waits for no known task (found {before}); correct it")
            if len(before) > 1:
                dropped[f"{_JOINED}: {task.name}"] += 1
            elif before[0] in arrivals:
                parents[task.name], arrivals[task.name] = before[0], arrivals[before[0]]
            else:
                left.append(task)
        if len(left) == len(waiting):  # they wait for tasks that were dropped, or for each other
            dropped.update(f"waits for a task that is not in the trace: {task.name}" for task in left)
            break
        waiting = left
    return parents


def _trace(
    path: Path,
    tasks: Mapping[str, _Task],
    arrivals: Mapping[str, npt.NDArray[np.int64]],
    parents: Mapping[str, str],
    length_ns: int,
    source: dict[str, Any],
) -> Trace:
    names = list(arrivals)
    task = np.repeat(np.arange(len(names)), [len(times) for times in arrivals.values()])
    serial = np.concatenate([np.arange(len(times)) for times in arrivals.values()])
    times_ns = np.concatenate(list(arrivals.values()))
    order = np.argsort(times_ns, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    starts = dict(zip(names, np.cumsum([0, *(len(times) for times in arrivals.values())]), strict=False))
    parent = np.full(len(order), -1)
    for name, before in parents.items():
        parent[starts[name] : starts[name] + len(arrivals[name])] = place[
            starts[before] + np.arange(len(arrivals[name]))
        ]
    kinds = [name[-2:] if name.endswith(("_rt", "_be")) else None for name in names]
    codes: Any = task[order]
    waits = parent[order] >= 0
    return Trace.from_columns(
        arrival_ns=times_ns[order],
        model=pa.array([tasks[name].model for name in names]).take(codes),
        duration_ns=max(length_ns, int(times_ns.max()) if len(times_ns) else 0),
        footer={"source": source},
        where=str(path),
        tenant=pa.array(names).take(codes),
        batch=pa.array([tasks[name].batch for name in names], pa.int32()).take(codes),
        priority=pa.array([_priority(path, tasks[name]) for name in names], pa.int16()).take(codes),
        parent_id=pa.array(parent[order], mask=~waits),
        think_ns=pa.array(np.zeros(len(order), dtype=np.int64), mask=~waits),
        x_serial=serial[order],
        **{"class": pa.array(kinds, pa.string()).take(codes)},
    )


def _priority(path: Path, task: _Task) -> int | None:
    priority = task.load.get("priority")
    if priority is None:
        return None
    try:
        if 0 <= int(priority) < 2**15:
            return -int(priority)
    except (TypeError, ValueError):
        pass
    raise TraceError(f"{path}: the priority of {task.name!r} is no whole number >= 0 (found {priority!r}); correct it")
