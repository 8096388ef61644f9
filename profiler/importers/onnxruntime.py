"""Read what ONNX Runtime's own profiler recorded of a session on the CPU."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from isim.errors import ProfileError
from isim.profiler.device.contract import Kernel, Repetition
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.source import read_json, sha256_of
from isim.profiler.repetitions import merged, repetition_rows

_ADVICE = "record with SessionOptions.enable_profiling and end_profiling()"
_SUFFIX = "_kernel_time"
_LATEST_US = 2**62 // 1000
_Run = tuple[Mapping[str, Any], list[Mapping[str, Any]]]


def read_onnxruntime(path: str | Path, model: str, batch_size: int, *, skip: int = 0) -> ImportedBatch:
    """Return the batch that the runs of a session are repetitions of: its nodes, in the order in which they ran.

    Where the runs had inputs of several shapes, those count whose first node reads a first input that begins with the
    batch size.

    Parameters
    ----------
    skip
        Leave out this many of these runs at the beginning: the warm-up.

    Raises
    ------
    ProfileError
        The file is none of ONNX Runtime's, its nodes ran on a GPU, or no run has this batch size.

    Examples
    --------
    >>> import json
    >>> facts = {"provider": "CPUExecutionProvider", "op_name": "Conv"}
    >>> node = {"cat": "Node", "name": "conv_kernel_time", "ts": 10, "dur": 80, "args": facts}
    >>> run = {"cat": "Session", "name": "model_run", "ts": 5, "dur": 90}
    >>> _ = Path("ort.json").write_text(json.dumps([run, node]))
    >>> batch = read_onnxruntime("ort.json", "resnet18", 1)
    >>> [(row["name"], row["duration_ns"], row["gap_ns"]) for row in batch.rows]
    [('conv', 80000, 5000), ('end', 0, 5000)]
    """
    events = read_json(path)
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ProfileError(f"{path}: not a profile of ONNX Runtime (no list of events); {_ADVICE}")
    where = f"{path}: {model} at batch size {batch_size}"
    try:
        runs = _of_batch_size(where, _runs(path, events), batch_size)
        repetitions = [_repetition(run, nodes) for run, nodes in runs[skip:]]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ProfileError(f"{path}: an event is not as ONNX Runtime writes it ({what}); {_ADVICE}") from None
    if not repetitions:
        raise ProfileError(f"{where}: {len(runs)} runs, all of them skipped; skip fewer")
    whole = merged([repetition_rows(one) for one in repetitions], where)
    notes = []
    if whole.rejected:
        notes.append(f"{where}: {whole.rejected} of {len(repetitions)} runs had other nodes and are not in the medians")
    facts = {
        "format": "onnxruntime",
        "file": Path(path).name,
        "sha256": sha256_of(path),
        "model": model,
        "batch_size": batch_size,
        "operations": "nodes of an ONNX graph",
        "resolution_ns": 1000,
        "skipped": skip,
        "executions": len(repetitions),
        "executions_that_differ": whole.rejected,
    }
    return ImportedBatch(model, batch_size, whole.rows, facts, tuple(notes), {"kind": "cpu"})


def _runs(path: str | Path, events: list[Any]) -> list[_Run]:
    """Return the runs with their nodes, in order of time."""
    nodes = [event for event in events if event.get("cat") == "Node" and str(event["name"]).endswith(_SUFFIX)]
    providers = Counter(str(node["args"].get("provider")) for node in nodes)
    elsewhere = {name: count for name, count in providers.items() if name != "CPUExecutionProvider"}
    if elsewhere:
        found = ", ".join(f"{name} x {count}" for name, count in elsewhere.items())
        raise ProfileError(
            f"{path}: nodes that did not run on the CPU, whose times are those of the host's call (found {found}); "
            "record the GPU with nsys"
        )
    runs = sorted((event for event in events if event.get("name") == "model_run"), key=lambda event: event["ts"])
    if not nodes or not runs:
        raise ProfileError(f"{path}: no run of a session (found {len(runs)} runs, {len(nodes)} nodes); {_ADVICE}")
    ordered = sorted(nodes, key=lambda node: node["ts"])
    within = [
        (run, [node for node in ordered if run["ts"] <= node["ts"] and _finish(node) <= _finish(run)]) for run in runs
    ]
    return [(run, own) for run, own in within if own]


def _of_batch_size(where: str, runs: list[_Run], batch_size: int) -> list[_Run]:
    by_shape: dict[str, list[_Run]] = defaultdict(list)
    for run, nodes in runs:
        by_shape[str([node["args"].get("input_type_shape") for node in nodes])].append((run, nodes))
    if len(by_shape) == 1:
        return runs
    leading = {shape: _leading(same[0][1][0]) for shape, same in by_shape.items()}
    chosen = [shape for shape, size in leading.items() if size == batch_size]
    if len(chosen) != 1:
        found = ", ".join(f"{size} in {len(by_shape[shape])} runs" for shape, size in leading.items())
        raise ProfileError(
            f"{where}: {len(chosen) or 'no'} shapes of input begin with the batch size (found {found}); "
            "correct it, or record one shape a file"
        )
    return by_shape[chosen[0]]


def _leading(node: Mapping[str, Any]) -> int | None:
    shapes = node["args"].get("input_type_shape") or [{}]
    sizes: list[int] = next(iter(shapes[0].values()), [])
    return sizes[0] if sizes else None


def _repetition(run: Mapping[str, Any], nodes: list[Mapping[str, Any]]) -> Repetition:
    kernels = tuple(
        Kernel(str(node["name"]).removesuffix(_SUFFIX), _ns(node["ts"]), _ns(_finish(node))) for node in nodes
    )
    return Repetition(_ns(run["ts"]), _ns(_finish(run)), kernels)


def _finish(event: Mapping[str, Any]) -> Any:
    return event["ts"] + event["dur"]


def _ns(time_us: Any) -> int:
    if not isinstance(time_us, int | Decimal) or not 0 <= time_us < _LATEST_US:
        raise ValueError(f"a time is {time_us}")
    return round(float(time_us * 1000))
