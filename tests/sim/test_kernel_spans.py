"""Kernels of a run: by hand, and such that every batch finishes when the run says."""

import json
import shutil
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from worlds import kernel, profile_of

from isim import kernel_spans as module
from isim.cli.report import command
from isim.errors import RunError
from isim.experiment import Experiment
from isim.kernel_spans import Span, kernel_spans
from isim.run import Run
from isim.traces.trace import Trace

NETWORKS = {
    ("a", 1): [kernel(300_000, 50_000, sm=0.9, memory=0.3), kernel(200_000, sm=0.4, memory=0.9)] * 3,
    ("a", 2): [kernel(500_000, 50_000, sm=1.0, memory=0.5), kernel(310_000, sm=0.5, memory=0.9)] * 3,
    ("b", 1): [kernel(0, 120_000, sm=0.1, memory=0.1), kernel(470_000, 10_000, sm=0.7, memory=0.6)],
}


def made(folder: Path, **keys: Any) -> Run:
    profile_of(NETWORKS).write(folder / "p.parquet")
    arrivals = {"rate": "900rps", "duration": "200ms"}
    keys = {"profile": str(folder / "p.parquet"), "arrivals": arrivals, "policy": "greedy", "concurrency": 3} | keys
    return Experiment(**keys).run(folder / "run")


def test_two_kernels_side_by_side_by_hand(tmp_path: Path) -> None:
    """Demand 0.8 + 0.8 slows both by 1.6 from 0.1 ms, when the gap of `b` has passed, until `a` ends its kernel.

    By 0.1 ms `a` has done 0.1 of 0.4 ms; the 0.3 left take 0.48. Its second kernel, of demand 0.2, fits beside.
    Then `b` has done 0.3 of 0.5 ms, and ends alone in speed at 0.58 + 0.2 = 0.78 ms.
    """
    a = [kernel(400_000, sm=0.8, memory=0.1), kernel(100_000, sm=0.2, memory=0.1)]
    b = [kernel(500_000, 100_000, sm=0.8, memory=0.1)]
    profile_of({("a", 1): a, ("b", 1): b}).write(tmp_path / "p.parquet")
    Trace.from_columns(arrival_ns=[0, 0], model=["a", "b"]).write(tmp_path / "t.parquet")
    run = Experiment(
        profile=str(tmp_path / "p.parquet"), trace=str(tmp_path / "t.parquet"), policy="fcfs", contention="fair"
    ).run()
    found = [(batch, round(start * 1e9), round(finish * 1e9)) for batch, _, start, finish in kernel_spans(run, (0, 1))]
    assert found == [(0, 0, 580_000), (0, 580_000, 680_000), (1, 100_000, 780_000)]


@pytest.mark.parametrize(
    "keys",
    [
        {"contention": "leftover"},
        {"contention": "roofline", "concurrency": 1, "sharing": "exclusive"},
        {"contention": "fair", "sharing": "mps:a=0.5,b=0.5"},
        {"contention": "leftover", "sharing": "time-slicing:quantum=100us"},
        {"contention": "leftover", "gpus": 2},
        {"contention": "fair", "horizon": "150ms"},
        {"contention": "fair", "concurrency": 1, "sharing": "exclusive", "policy": "orion:urgent=a"},
    ],
    ids=["leftover", "exclusive", "mps", "time-slicing", "two GPUs", "horizon", "a gate that nothing waits for"],
)
def test_every_batch_finishes_when_the_run_says(tmp_path: Path, keys: dict[str, Any]) -> None:
    run = made(tmp_path, **keys)
    rows = {row["batch_id"]: row for row in run.table("batches").to_pylist()}
    spans: dict[int, list[Span]] = defaultdict(list)
    for span in kernel_spans(run, rows):
        spans[span.batch_id].append(span)
    finished = [row for row in rows.values() if row["finished_s"] is not None]
    assert len(finished) > 50
    assert max(row["slowdown"] for row in finished) > (1.2 if run.description["parameters"]["concurrency"] > 1 else 0.9)
    for row in finished:
        own = spans[row["batch_id"]]
        assert len(own) == sum(each["duration_ns"] > 0 for each in NETWORKS[row["model"], row["batch_size"]])
        assert own[-1].finish_s == pytest.approx(row["finished_s"], abs=1e-9)
        assert own[0].start_s >= row["dispatched_s"]
        assert all(one.start_s < one.finish_s <= other.start_s + 1e-12 for one, other in pairwise(own))
    part = sorted(rows)[30:40]
    alone = list(kernel_spans(run, part))
    assert {span.batch_id for span in alone} <= set(part)
    whole = [span for batch_id in part for span in spans[batch_id]]
    assert [s.finish_s for s in sorted(alone)] == pytest.approx([s.finish_s for s in sorted(whole)], abs=1e-12)


def test_noise_and_work_stretch_kernels(tmp_path: Path) -> None:
    networks = {("a", 1): [{**kernel(400_000, 100_000), "duration_mad_ns": 40_000}] * 2}
    profile_of(networks).write(tmp_path / "p.parquet")
    keys: dict[str, Any] = {"arrivals": {"rate": "400rps", "duration": "200ms"}, "noise": True, "policy": "fcfs"}
    run = Experiment(profile=str(tmp_path / "p.parquet"), sharing="exclusive", **keys).run()
    rows = {row["batch_id"]: row for row in run.table("batches").to_pylist()}
    assert len({round(row["solo_s"], 7) for row in rows.values()}) > 10
    for batch_id, _, start_s, finish_s in kernel_spans(run, rows):
        assert finish_s - start_s == pytest.approx(0.4 * rows[batch_id]["solo_s"], rel=1e-6)


def timeline(run: Run, path: Path, *more: str) -> list[dict[str, Any]]:
    arguments = [str(run.folder), "--timeline", str(path), "--from", "50ms", "--to", "100ms", "-f", "-q", *more]
    CliRunner(catch_exceptions=False).invoke(command, arguments)
    events: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    return events


def test_the_timeline_nests_kernels_in_their_batches(tmp_path: Path) -> None:
    run = made(tmp_path, contention="leftover", gpus=2)
    events = timeline(run, tmp_path / "t.json", "--kernels")
    kernels = [event for event in events if event.get("cat") == "kernel"]
    batches = {event["args"]["batch_id"]: event for event in events if event.get("cat") == "batch"}
    assert {event["args"]["batch_id"] for event in kernels} == set(batches)
    for event in kernels:
        batch = batches[event["args"]["batch_id"]]
        assert (event["pid"], event["tid"], event["name"]) == (batch["pid"], batch["tid"], "k")
        assert batch["ts"] <= event["ts"]
        assert round(event["ts"] + event["dur"], 3) <= round(batch["ts"] + batch["dur"], 3)
    assert [event for event in events if event.get("cat") != "kernel"] == timeline(run, tmp_path / "u.json")


def test_a_profile_that_is_not_at_hand_is_said(tmp_path: Path) -> None:
    run = made(tmp_path)
    profile_of({**NETWORKS, ("a", 1): [kernel(1000)]}).write(tmp_path / "p.parquet", force=True)
    with pytest.raises(RunError, match=r"p\.parquet: not the profile that .* was simulated with .* leave the kernels"):
        list(kernel_spans(run, [0]))


def test_a_run_whose_kernels_waited_for_a_gate_is_refused_up_front(tmp_path: Path) -> None:
    run = made(tmp_path, policy="orion:urgent=a", contention="leftover")
    with pytest.raises(RunError, match=r"gate may let kernels wait \(found launch_s under sharing in run\.json\)"):
        next(kernel_spans(run, [0]))


def test_too_many_kernels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(tmp_path)
    monkeypatch.setattr(module, "MOST", 100)
    with pytest.raises(RunError, match=r"too many kernels \(found \d+ on GPU 0 since it was last idle, at most 100\)"):
        list(kernel_spans(run, range(150)))


def test_a_run_that_cannot_be_run_anew_is_refused(tmp_path: Path) -> None:
    """As if the run had been made by another contention model."""
    run = made(tmp_path, contention="leftover")
    shutil.copytree(run.folder, tmp_path / "other")
    text = (tmp_path / "other" / "run.json").read_text()
    (tmp_path / "other" / "run.json").write_text(text.replace('"contention": "leftover"', '"contention": "none"'))
    with pytest.raises(RunError, match=r"run anew, batch \d+ finishes at .* so its kernels cannot be shown"):
        list(kernel_spans(Run.read(tmp_path / "other"), range(50)))
