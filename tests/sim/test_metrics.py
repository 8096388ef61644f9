"""The figures of docs/metrics.md, computed again one request, one batch and one instant at a time."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from worlds import kernel, profile_of

from isim.experiment import Experiment
from isim.metrics import measure
from isim.run import Run

Row = dict[str, Any]

SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return an overloaded run in which requests end in every way, cut off by its horizon."""
    folder = tmp_path_factory.mktemp("metrics")
    sizes = {
        (model, size): [kernel(duration_ns * size, gap_ns=50_000, sm=use, memory=0.3)] * 3
        for model, duration_ns, use in (("a", 200_000, 0.9), ("b", 500_000, 0.4), ("c", 300_000, 0.7))
        for size in (1, 2, 4)
    }
    profile_of(sizes).write(folder / "p.parquet")
    return Experiment(
        profile=str(folder / "p.parquet"),
        arrivals={"rate": "2500rps", "duration": "2s", "models": {"a": 3, "b": 2, "c": 1}},
        policy="dynamic:max_batch=4,max_queue_delay=1ms,max_queue_size=12,timeout=12ms",
        slo={"a": "15ms", "*": "30ms"},
        horizon="1500ms",
    ).run(folder / "run")


def percentile(values: Iterable[float], share: float) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def slow_figures(
    requests: list[Row], batches: list[Row], everything: list[Row], end_s: float, from_s: float = 0.0
) -> Row:
    """Return the figures of some requests and batches, beside `everything` that ran."""
    length_s = end_s - from_s
    requests = [row for row in requests if row["arrived_s"] >= from_s]
    solo_s = {row["batch_id"]: row["solo_s"] for row in everything}
    finished = [row for row in requests if row["finished_s"] is not None]
    outcomes = [row["outcome"] for row in requests]
    done = [row for row in batches if row["finished_s"] is not None and row["dispatched_s"] >= from_s]
    figures: Row = {"requests": len(requests), "batches": len(done)}
    for outcome in ("on-time", "late", "rejected", "dropped", "unfinished"):
        figures[outcome.replace("-", "_")] = outcomes.count(outcome)
    figures["attainment"] = outcomes.count("on-time") / len(requests)
    figures["goodput_rps"] = outcomes.count("on-time") / length_s
    figures["throughput_rps"] = len(finished) / length_s
    parts: dict[str, Callable[[Row], float]] = {
        "latency": lambda row: row["finished_s"] - row["arrived_s"],
        "queueing": lambda row: row["dispatched_s"] - row["arrived_s"],
        "service": lambda row: solo_s[row["batch_id"]],
        "interference": lambda row: row["finished_s"] - row["dispatched_s"] - solo_s[row["batch_id"]],
    }
    for part, of in parts.items():
        values = [of(row) for row in finished]
        figures[f"{part}_mean_s"] = math.fsum(values) / len(values)
        figures |= {f"{part}_{name}_s": percentile(values, share) for name, share in SHARES.items()}
    figures["mean_batch_size"] = sum(row["requests"] for row in done) / len(done)
    for name in ("slowdown", "kernel_slowdown"):
        for label, share in {"p50": 0.5, "p95": 0.95, "max": 1.0}.items():
            figures[f"{name}_{label}"] = percentile([row[name] for row in done], share)
    own = {row["batch_id"] for row in batches}
    moments = sorted(
        (moment, change, row["batch_id"])
        for row in everything
        for moment, change in (
            (row["dispatched_s"], 1),
            (end_s if row["finished_s"] is None else row["finished_s"], -1),
        )
    )
    resident: set[int] = set()
    busy_s = resident_s = last_s = 0.0
    for moment_s, change, batch_id in moments:
        if resident & own and moment_s > from_s:
            busy_s += moment_s - max(last_s, from_s)
            resident_s += (moment_s - max(last_s, from_s)) * len(resident)
        resident = resident | {batch_id} if change > 0 else resident - {batch_id}
        last_s = moment_s
    return figures | {"busy_share": busy_s / length_s, "mean_concurrency": resident_s / busy_s}


@pytest.mark.parametrize("from_s", [0.0, 0.3])
@pytest.mark.parametrize("model", [None, "a", "b", "c"])
def test_figures_match_a_slow_computation(run: Run, model: str | None, from_s: float) -> None:
    requests, everything = run.table("requests").to_pylist(), run.table("batches").to_pylist()
    end_s = run.description["ending"]["end_s"]
    expected = slow_figures(
        [row for row in requests if model in (None, row["model"])],
        [row for row in everything if model in (None, row["model"])],
        everything,
        end_s,
        from_s,
    )
    summary = measure(run.folder, end_s, from_s)
    found = summary["total"] if model is None else summary["models"][model]
    assert from_s > 0 or summary == run.summary
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("from_s", [0.0, 0.3])
def test_gpus_are_busy_and_hold_batches_each_by_itself(tmp_path: Path, from_s: float) -> None:
    """Of three GPUs and one that no model is placed on: means over their time, and over their busy time."""
    arrivals = {"rate": "900rps", "duration": "1s", "models": {"resnet50": 2, "vgg19": 1}}
    experiment = Experiment(gpus=4, router="by-model:place=resnet50@0/resnet50@1/vgg19@2", arrivals=arrivals)
    run = experiment.run(tmp_path / "run")
    batches = run.table("batches").to_pylist()
    end_s = run.description["ending"]["end_s"]
    busy_s = resident_s = 0.0
    for gpu in range(4):
        times_s = [
            (max(row["dispatched_s"], from_s), max(row["finished_s"], from_s)) for row in batches if row["gpu"] == gpu
        ]
        resident_s += sum(to_s - since_s for since_s, to_s in times_s)
        last_s = from_s
        for since_s, to_s in sorted(times_s):
            busy_s += max(0.0, to_s - max(since_s, last_s))
            last_s = max(last_s, to_s)
    assert {row["gpu"] for row in batches} == {0, 1, 2}
    total = measure(run.folder, end_s, from_s, run.gpus)["total"]
    assert total["busy_share"] == pytest.approx(busy_s / (4 * (end_s - from_s)), rel=1e-9)
    assert total["mean_concurrency"] == pytest.approx(resident_s / busy_s, rel=1e-9)


def test_the_run_covers_every_outcome(run: Run) -> None:
    total = run.summary["total"]
    assert min(total[name] for name in ("on_time", "late", "rejected", "dropped", "unfinished")) > 0
    assert total["mean_concurrency"] > 1.5
    assert any(row["finished_s"] is None for row in run.table("batches").to_pylist())


def test_means_add_up_and_models_add_up(run: Run) -> None:
    figures, models = run.summary["total"], run.summary["models"].values()
    parts = [figures[f"{part}_mean_s"] for part in ("queueing", "service", "interference")]
    assert sum(parts) == pytest.approx(figures["latency_mean_s"], rel=1e-12)
    for name in ("requests", "on_time", "late", "rejected", "dropped", "unfinished", "batches"):
        assert sum(one[name] for one in models) == figures[name]
    assert sum(one["goodput_rps"] for one in models) == pytest.approx(figures["goodput_rps"])


def test_two_batches_by_hand(tmp_path: Path) -> None:
    """Two kernels that need the whole GPU share it: a runs 0 to 3 ms, b 1 to 4 ms, both at half speed from 1 to 3."""
    profile_of({(model, 1): [kernel(2 * 10**6)] for model in "ab"}).write(tmp_path / "p.parquet")
    (tmp_path / "t.csv").write_text("arrival_ns,model\n0,a\n1000000,b\n")
    run = Experiment(
        profile=str(tmp_path / "p.parquet"), trace=str(tmp_path / "t.csv"), policy="fcfs", contention="fair",
        slo={"a": "3ms", "b": "2999us"},
    ).run()  # fmt: skip
    total, a = run.summary["total"], run.summary["models"]["a"]
    assert [total[name] for name in ("requests", "on_time", "late", "batches")] == [2, 1, 1, 2]
    assert total["busy_share"] == pytest.approx(1.0)
    assert total["mean_concurrency"] == pytest.approx(1.5)
    assert a["busy_share"] == pytest.approx(0.75)
    assert a["mean_concurrency"] == pytest.approx(5 / 3)
    assert a["goodput_rps"] == pytest.approx(250)
    assert [total[f"{part}_mean_s"] for part in ("latency", "queueing", "service", "interference")] == pytest.approx(
        [3e-3, 0, 2e-3, 1e-3], abs=1e-15
    )
    assert total["slowdown_max"] == pytest.approx(1.5)


def test_figures_without_anything_to_run_over_are_null(tmp_path: Path) -> None:
    profile_of({("a", 1): [kernel(2 * 10**6)]}).write(tmp_path / "p.parquet")
    (tmp_path / "t.csv").write_text("arrival_ns,model\n5000000,a\n")
    (tmp_path / "never.py").write_text("class Never:\n    def decide(self, view, event):\n        return []\n")
    run = Experiment(
        profile=str(tmp_path / "p.parquet"), trace=str(tmp_path / "t.csv"), policy=f"{tmp_path}/never.py:Never",
        horizon="10ms",
    ).run()  # fmt: skip
    total = run.summary["total"]
    assert (total["requests"], total["unfinished"], total["attainment"], total["goodput_rps"]) == (1, 1, 0.0, 0.0)
    nulls = {name for name, value in total.items() if value is None}
    assert {"latency_mean_s", "latency_p99_9_s", "mean_batch_size", "mean_concurrency", "slowdown_max"} <= nulls
    assert total["busy_share"] == 0.0
