"""From the tables of a run to its figures; docs/metrics.md defines each of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isim.run import left_s, read_table
from isim.run_schema import OUTCOMES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}
_OF_SLOWDOWNS = {"p50": 0.5, "p95": 0.95, "max": 1.0}


class _Requests(NamedTuple):
    model: Ints
    outcome: Ints
    arrived_s: Floats
    dispatched_s: Floats
    finished_s: Floats
    solo_s: Floats

    def at(self, rows: Any) -> "_Requests":
        """Return some of the rows, or all in another order."""
        return _Requests._make(column[rows] for column in self)


class _Batches(NamedTuple):
    model: Ints
    requests: Ints
    dispatched_s: Floats
    finished_s: Floats
    slowdown: Floats
    kernel_slowdown: Floats
    on_s: Floats
    off_s: Floats
    """When it came on a GPU and when it left, after the warm-up; the times of GPUs stand one after another."""

    def at(self, rows: Any) -> "_Batches":
        """Return some of the rows."""
        return _Batches._make(column[rows] for column in self)


class _Residence:
    """When batches were resident: of all, for how long at least one of some was, and how many of all were then."""

    def __init__(self, batches: _Batches) -> None:
        time_s = np.concatenate([batches.on_s, batches.off_s])
        order = np.argsort(time_s, kind="stable")
        change = np.repeat(np.array([1.0, -1.0]), len(batches.on_s))[order]
        self._time_s = time_s[order]
        residents = np.cumsum(change)[:-1]
        self._resident_s = np.concatenate([[0.0], np.cumsum(residents * np.diff(self._time_s))])
        """Residence times of all batches added up, until each of the times."""

    def busy(self, batches: _Batches) -> tuple[float, float | None]:
        """Return for how long at least one of the batches was resident, and the mean number of all batches then."""
        if not len(batches.model):
            return 0.0, None
        order = np.argsort(batches.on_s, kind="stable")
        to_s = np.maximum.accumulate(batches.off_s[order])
        from_s = np.maximum(batches.on_s[order], np.concatenate([[0.0], to_s[:-1]]))
        busy = from_s < to_s
        from_s, to_s = from_s[busy], to_s[busy]
        resident_s = np.interp(to_s, self._time_s, self._resident_s) - np.interp(from_s, self._time_s, self._resident_s)
        busy_s = float(np.sum(to_s - from_s))
        return busy_s, _ratio(float(np.sum(resident_s)), busy_s)


def measure(folder: Path, end_s: float, from_s: float = 0.0, gpus: int = 1) -> dict[str, Any]:
    """Return the figures of every model (`models`) and of all together (`total`).

    Parameters
    ----------
    folder
        A run folder, or one that becomes one; only its tables are read.
    end_s
        When the run ended.
    from_s
        When its warm-up ended: requests that arrived and batches that were dispatched before do not count.
    gpus
        How many there were, with those that had no batch.

    Raises
    ------
    RunError
        A table cannot be read.

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> run = Experiment.from_flags(rate_rps=100.0, duration_s=0.5).run()
    >>> end_s = run.description["ending"]["end_s"]
    >>> measure(run.folder, end_s) == run.summary
    True
    >>> measure(run.folder, end_s, from_s=0.25)["total"]["requests"]
    23
    """
    names: list[str] = []
    batches, solo_s = _read_batches(folder, names, end_s, from_s)
    requests = _read_requests(folder, names, solo_s)
    # Models stand together, so that the figures of one are those of a slice.
    requests = requests.at(np.argsort(requests.model, kind="stable"))
    requests = requests.at(requests.arrived_s >= from_s) if from_s > 0 else requests
    residence = _Residence(batches)
    figures = {
        names[model]: _figures(requests.at(rows), batches.at(batches.model == model), residence, gpus, from_s, end_s)
        for model, rows in _slices(requests.model)
    }
    return {
        "models": dict(sorted(figures.items())),
        "total": _figures(requests, batches, residence, gpus, from_s, end_s),
    }


def _read_batches(folder: Path, names: list[str], end_s: float, from_s: float) -> tuple[_Batches, Floats]:
    """Return the batches, and the solo duration of every batch by its id."""
    columns = [
        "batch_id",
        "gpu",
        "model",
        "requests",
        "dispatched_s",
        "finished_s",
        "solo_s",
        "slowdown",
        "kernel_slowdown",
    ]
    table = read_table(folder / "batches.parquet", columns)
    batch_id = _ints(table["batch_id"])
    solo_s = np.full(int(np.max(batch_id, initial=-1)) + 1, np.nan)
    solo_s[batch_id] = _floats(table["solo_s"])
    times = [_floats(table[name]) for name in ("dispatched_s", "finished_s", "slowdown", "kernel_slowdown")]
    before_s = _ints(table["gpu"]) * end_s
    times += [np.maximum(each_s, from_s) + before_s for each_s in (times[0], left_s(folder, batch_id, times[1], end_s))]
    return _Batches(_codes(table["model"], names), _ints(table["requests"]), *times), solo_s


def _read_requests(folder: Path, names: list[str], solo_s: Floats) -> _Requests:
    path = folder / "requests.parquet"
    table = read_table(path, ["model", "outcome", "batch_id"])
    outcome = _codes(table["outcome"], list(OUTCOMES))
    model = _codes(table["model"], names)
    batch_id = _ints(table["batch_id"])
    own_solo_s = np.full(len(batch_id), np.nan)
    own_solo_s[batch_id >= 0] = solo_s[batch_id[batch_id >= 0]]
    del table, batch_id  # a large run's columns are not all held at once
    times_s = [_floats(read_table(path, [name])[name]) for name in ("arrived_s", "dispatched_s", "finished_s")]
    return _Requests._make([model, outcome, *times_s, own_solo_s])


def _figures(
    requests: _Requests, batches: _Batches, residence: _Residence, gpus: int, from_s: float, end_s: float
) -> dict[str, Any]:
    length_s = end_s - from_s
    count = len(requests.model)
    finished = ~np.isnan(requests.finished_s)
    outcomes = np.bincount(requests.outcome, minlength=len(OUTCOMES)).tolist()
    on_time = outcomes[OUTCOMES.index("on-time")]
    served = requests if finished.all() else requests.at(finished)
    finished_s, dispatched_s, solo_s = served.finished_s, served.dispatched_s, served.solo_s
    done = ~np.isnan(batches.finished_s) & (batches.dispatched_s >= from_s)
    busy_s, mean_concurrency = residence.busy(batches)
    return {
        "requests": count,
        **{name.replace("-", "_"): number for name, number in zip(OUTCOMES, outcomes, strict=True)},
        "attainment": _ratio(on_time, count),
        "goodput_rps": _ratio(on_time, length_s),
        "throughput_rps": _ratio(len(finished_s), length_s),
        **_distribution("latency", finished_s - served.arrived_s),
        **_distribution("queueing", dispatched_s - served.arrived_s),
        **_distribution("service", solo_s),
        **_distribution("interference", (finished_s - dispatched_s) - solo_s),
        "batches": int(np.count_nonzero(done)),
        "mean_batch_size": _ratio(int(batches.requests[done].sum()), int(np.count_nonzero(done))),
        "busy_share": _ratio(busy_s, gpus * length_s),
        "mean_concurrency": mean_concurrency,
        **_slowdowns("slowdown", batches.slowdown[done]),
        **_slowdowns("kernel_slowdown", batches.kernel_slowdown[done]),
    }


def _distribution(name: str, values_s: Floats) -> dict[str, float | None]:
    figures = {f"{name}_mean_s": float(np.mean(values_s)) if len(values_s) else None}
    return figures | {f"{name}_{label}_s": value for label, value in _quantiles(values_s, PERCENTILES).items()}


def _slowdowns(name: str, values: Floats) -> dict[str, float | None]:
    return {f"{name}_{label}": value for label, value in _quantiles(values, _OF_SLOWDOWNS).items()}


def _quantiles(values: Floats, shares: dict[str, float]) -> dict[str, float | None]:
    if not len(values):
        return dict.fromkeys(shares)
    return dict(zip(shares, np.quantile(values, list(shares.values())).tolist(), strict=True))


def _slices(sorted_codes: Ints) -> Iterator[tuple[int, slice]]:
    starts = np.flatnonzero(np.diff(sorted_codes, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(sorted_codes)], strict=True):
        yield int(sorted_codes[start]), slice(start, stop)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _codes(column: Any, names: list[str]) -> Ints:
    """Return the position in `names` of every value; names not seen before are appended."""
    parts = [np.zeros(0, dtype=np.int16)]  # small integers are sorted in linear time
    for chunk in column.chunks:
        values = chunk.dictionary.to_pylist()
        names += (value for value in values if value not in names)
        position = np.array([names.index(value) for value in values], dtype=np.int16)
        parts.append(position[chunk.indices.to_numpy()])
    return np.concatenate(parts)


def _floats(column: Any) -> Floats:
    """Return the values, NaN where null."""
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _ints(column: Any) -> Ints:
    """Return the values, -1 where null."""
    return np.asarray(column.fill_null(-1).to_numpy(), dtype=np.int64)
