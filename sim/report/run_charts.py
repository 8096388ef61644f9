"""The charts of a run, from the columns of its tables."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isim.report.chart import Chart, bars, boxes, lines
from isim.report.pairs_slowdown import slowdown_by_pair
from isim.report.thin import Curve, binned_mean, cdf, mean_over_time, rate
from isim.run import Run, left_s

Floats = npt.NDArray[np.float64]


def run_charts(run: Run) -> Iterator[Chart]:
    """Yield the charts of a run, in the order in which they are read."""
    end_s = run.description["ending"]["end_s"] or 1e-9
    requests = run.table("requests", ["model", "arrived_s", "dispatched_s", "finished_s", "outcome", "latency_s"])
    models = sorted(run.summary["models"])
    yield from _latency(requests, models)
    yield from _over_time(requests, end_s)
    del requests
    yield from _concurrency(run, end_s)
    batches = run.table("batches", ["model", "batch_size", "requests"])
    yield _sizes(batches, models)
    rows = slowdown_by_pair(run)
    if rows:
        yield boxes(
            "Slowdown by pair", "batch time with co-runners ÷ alone", rows,
            "Each batch counts for the co-runner it shared the GPU with for longest. Box: quartiles; whiskers: 5th and "
            "95th percentile.",
        )  # fmt: skip
    if (run.folder / "predictions.parquet").is_file():
        yield from _predictions(run, end_s)


def _latency(requests: pa.Table, models: list[str]) -> Iterator[Chart]:
    finished = requests.filter(pc.is_valid(requests["latency_s"]))
    curves = [("all", cdf(_numbers(finished["latency_s"]) * 1e3))]
    if len(models) > 1:
        curves += [
            (model, cdf(_numbers(finished.filter(pc.equal(finished["model"], pa.scalar(model)))["latency_s"]) * 1e3))
            for model in models[:8]
        ]
    yield lines("Latency", "latency, ms", "share of finished requests", curves, log_x=True, top=1.0)


def _over_time(requests: pa.Table, end_s: float) -> Iterator[Chart]:
    arrived_s = _numbers(requests["arrived_s"])
    on_time = np.asarray(pc.equal(requests["outcome"], pa.scalar("on-time")).to_numpy(), dtype=np.float64)
    finished_s, dispatched_s = _numbers(requests["finished_s"]), _numbers(requests["dispatched_s"])
    good = on_time > 0
    yield lines(
        "Load and goodput", "time, s", "requests per second",
        [("arrivals", rate(arrived_s, end_s)), ("finished on time", rate(finished_s[good], end_s))], top=0.0,
    )  # fmt: skip
    yield lines(
        "SLO attainment", "time of arrival, s", "share on time",
        [("on time", binned_mean(arrived_s, on_time, end_s, 120))], top=1.0,
    )  # fmt: skip
    waiting = ~np.isnan(dispatched_s)
    # Who is refused leaves the queue at an unknown moment: only those who were served are shown.
    queue = _level(arrived_s[waiting], dispatched_s[waiting], end_s)
    yield lines("Queue", "time, s", "requests waiting", [("waiting", queue)], "Requests that were dispatched.", top=0.0)


def _concurrency(run: Run, end_s: float) -> Iterator[Chart]:
    batches = run.table("batches", ["batch_id", "gpu", "dispatched_s", "finished_s"])
    gpu, start_s = batches["gpu"].to_numpy(), _numbers(batches["dispatched_s"])
    batch_id = np.asarray(batches["batch_id"].to_numpy())
    finish_s = left_s(run.folder, batch_id, _numbers(batches["finished_s"]), end_s)
    gpus = np.unique(gpu).tolist()[:8]
    curves = [(f"GPU {each}", _level(start_s[gpu == each], finish_s[gpu == each], end_s)) for each in gpus]
    yield lines("Concurrency", "time, s", "batches on the GPU", curves, top=0.0)


def _sizes(batches: pa.Table, models: list[str]) -> Chart:
    sizes = np.asarray(batches["batch_size"].to_numpy())
    distinct = np.unique(sizes)
    series = [
        (model, [float(np.count_nonzero(sizes[_of(batches, model)] == size)) for size in distinct.tolist()])
        for model in models
    ]
    return bars("Batch sizes", "samples in a batch", "batches", [str(size) for size in distinct.tolist()], series)


def _predictions(run: Run, end_s: float) -> Iterator[Chart]:
    table = run.table("predictions")
    table = table.filter(pc.is_valid(table["measured_slowdown"]))
    series = []
    for name in table["predictor"].unique().to_pylist():
        own = table.filter(pc.equal(table["predictor"], pa.scalar(str(name))))
        measured, said = _numbers(own["measured_slowdown"]), _numbers(own["predicted_slowdown"])
        error = (said - measured) / measured
        asked_s = _numbers(own["asked_s"])
        series.append((f"{name}, absolute", binned_mean(asked_s, np.abs(error), end_s, 120)))
        series.append((f"{name}, signed", binned_mean(asked_s, error, end_s, 120)))
    yield lines(
        "Predictor error", "time of the prediction, s", "predicted ÷ measured slowdown, less 1", series,
        "Means over parts of the run; below zero is too optimistic.", top=0.0,
    )  # fmt: skip


def _of(batches: pa.Table, model: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.equal(batches["model"], pa.scalar(model)).to_numpy(), dtype=np.bool_)


def _level(start_s: Floats, finish_s: Floats, end_s: float) -> Curve:
    """Return how many intervals hold each time, averaged over parts of the run."""
    time_s = np.concatenate([[0.0], start_s, finish_s])
    change = np.concatenate([[0.0], np.ones(len(start_s)), -np.ones(len(finish_s))])
    order = np.argsort(time_s, kind="stable")
    return mean_over_time(time_s[order], np.cumsum(change[order]), end_s)


def _numbers(column: Any) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)
