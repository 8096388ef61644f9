"""Read what TensorRT's trtexec exports: the times of an engine's layers, and of whole iterations."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from isim.errors import ProfileError
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.solo_period import fit_to_period
from isim.profiler.importers.source import read_json, sha256_of

_LAYERS = "name what trtexec wrote with --exportProfile"
_TIMES = "name what trtexec wrote with --exportTimes"
_LONGEST_MS = 1e12
_ITERATION = ("startComputeMs", "endComputeMs", "computeMs", "h2dMs", "d2hMs")


class Iterations(NamedTuple):
    """Medians over the iterations of an engine, in ns: the copies around it and its computation."""

    iterations: int
    h2d_ns: int
    compute_ns: int
    d2h_ns: int
    facts: dict[str, Any]


def read_trtexec(
    path: str | Path,
    model: str,
    batch_size: int,
    *,
    times: Iterations | None = None,
    solo_period_s: float | None = None,
) -> ImportedBatch:
    """Return the batch that an engine's layers are, in the order in which they run.

    The layers were timed one by one. With the times of whole iterations, they are fitted to the median computation, and
    the copies are put around them. Layers that take no time are left out: they launch nothing.

    Parameters
    ----------
    times
        Of the same engine, run without timing its layers; see `read_trtexec_times`.
    solo_period_s
        Measured time of the computation alone, in s, in place of `times`.

    Raises
    ------
    ProfileError
        The file is none of trtexec's layers, a time is none, or both `times` and `solo_period_s` are given.

    Examples
    --------
    >>> import json
    >>> layers = [{"count": 100}, {"name": "conv1", "averageMs": 0.25, "medianMs": 0.24}]
    >>> _ = Path("layers.json").write_text(json.dumps(layers))
    >>> batch = read_trtexec("layers.json", "resnet50", 8)
    >>> [(row["name"], row["duration_ns"]) for row in batch.rows]
    [('conv1', 240000)]
    """
    if times is not None and solo_period_s is not None:
        raise ProfileError(f"{path}: a solo period and --times say the same; give one of them")
    rows, statistic = _layers(path)
    timed = [row for row in rows if row["duration_ns"]]
    if not timed:
        raise ProfileError(f"{path}: no layer takes any time; {_LAYERS}")
    where = f"{path}: {model} at batch size {batch_size}"
    period_s = times.compute_ns / 1e9 if times else solo_period_s
    scale, notes = fit_to_period(timed, period_s, where)
    if period_s is None:
        notes.append(
            f"{where}: its layers were timed one by one; add --times or a solo period for what it takes as a whole"
        )
    facts = {
        "format": "trtexec",
        "file": Path(path).name,
        "sha256": sha256_of(path),
        "model": model,
        "batch_size": batch_size,
        "operations": "layers of a TensorRT engine",
        "statistic": statistic,
        "layers_without_time": len(rows) - len(timed),
        "solo_period_s": period_s,
        "duration_scale": scale,
        "times": times and times.facts,
    }
    return ImportedBatch(model, batch_size, (*_copies(times, timed),), facts, tuple(notes))


def _layers(path: str | Path) -> tuple[list[dict[str, Any]], str]:
    """Return the layers as the profile's columns, and which statistic of the file their times are."""
    records = read_json(path)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ProfileError(f"{path}: not the layers of an engine (no list of them); {_LAYERS}")
    if any("startComputeMs" in record for record in records):
        raise ProfileError(f"{path}: holds the times of iterations, not of layers; {_LAYERS}, and give this as --times")
    layers = [record for record in records if record.keys() != {"count"}]
    if not records or not all({"name", "averageMs"} <= layer.keys() for layer in layers):
        raise ProfileError(f"{path}: not the layers of an engine (a layer lacks name or averageMs); {_LAYERS}")
    counts = [record["count"] for record in records if record.keys() == {"count"}]
    samples = counts[0] if counts and isinstance(counts[0], int) and counts[0] > 0 else None
    # Old versions write no median.
    statistic = "medianMs" if all("medianMs" in layer for layer in layers) else "averageMs"
    common = {"kind": "kernel", "gap_ns": 0, "samples": samples}
    rows = [{**common, "name": str(layer["name"]), "duration_ns": _ns(path, layer, statistic)} for layer in layers]
    return rows, statistic


def read_trtexec_times(path: str | Path) -> Iterations:
    """Return the medians over the iterations of an engine.

    Raises
    ------
    ProfileError
        The file is none of trtexec's times, or a time is none.

    Examples
    --------
    >>> import json
    >>> iteration = {"startComputeMs": 0, "endComputeMs": 2, "computeMs": 2, "h2dMs": 0.5, "d2hMs": 0.25}
    >>> _ = Path("times.json").write_text(json.dumps([iteration]))
    >>> read_trtexec_times("times.json")[:4]
    (1, 500000, 2000000, 250000)
    """
    iterations = read_json(path)
    if not isinstance(iterations, list) or not iterations or not all(isinstance(one, dict) for one in iterations):
        raise ProfileError(f"{path}: not the times of an engine (no list of them); {_TIMES}")
    missing = [name for name in _ITERATION if any(name not in one for one in iterations)]
    if missing:
        raise ProfileError(f"{path}: not the times of an engine (an iteration lacks {', '.join(missing)}); {_TIMES}")
    # Times since the start of the run have fewer digits than the length that trtexec computed itself.
    h2d_ns, compute_ns, d2h_ns = (
        round(median(_ns(path, one, name) for one in iterations)) for name in ("h2dMs", "computeMs", "d2hMs")
    )
    if not compute_ns:
        raise ProfileError(f"{path}: the iterations take no time; {_TIMES}")
    facts = {"file": Path(path).name, "sha256": sha256_of(path), "iterations": len(iterations)}
    return Iterations(len(iterations), h2d_ns, compute_ns, d2h_ns, facts)


def _ns(path: str | Path, record: Mapping[str, Any], name: str) -> int:
    time_ms = record[name]
    if isinstance(time_ms, bool) or not isinstance(time_ms, int | Decimal) or not 0 <= time_ms < _LONGEST_MS:
        raise ProfileError(f"{path}: {name} is not a time in ms (found {time_ms!r}); export it again")
    return round(float(time_ms) * 1e6)


def _copies(times: Iterations | None, layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if times is None:
        return layers

    def copy(kind: str, duration_ns: int) -> list[dict[str, Any]]:
        row = {"kind": kind, "name": kind, "duration_ns": duration_ns, "gap_ns": 0, "samples": times.iterations}
        return [row] if duration_ns else []

    return [*copy("memcpy_h2d", times.h2d_ns), *layers, *copy("memcpy_d2h", times.d2h_ns)]
