"""The timeline for Perfetto: every request and batch once, at its time, and counters that add up."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from worlds import kernel, profile_of

from isim.experiment import Experiment
from isim.run import Run
from isim.timeline import write_timeline


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run with requests that were served late, refused, and left over at the horizon."""
    profile_of({("a", 1): [kernel(2 * 10**6)], ("b", 1): [kernel(10**6)]}).write(tmp_path / "p.parquet")
    return Experiment(
        profile=str(tmp_path / "p.parquet"), arrivals={"rate": "900rps", "duration": "300ms"}, slo="5ms",
        policy="dynamic:max_batch=1,max_queue_size=6", horizon="290ms",
    ).run(tmp_path / "run")  # fmt: skip


def test_everything_is_there_once(run: Run, tmp_path: Path) -> None:
    count = write_timeline(run, tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert len(events) == count
    requests = run.table("requests").to_pylist()
    assert len({row["outcome"] for row in requests}) >= 3
    kinds = Counter(event["ph"] for event in events if event.get("cat") == "request")
    assert (kinds["b"], kinds["e"]) == (len(requests), len(requests))
    begun = {event["id"]: event for event in events if event["ph"] == "b"}
    ended = {event["id"]: event for event in events if event["ph"] == "e"}
    for row in requests:
        assert begun[row["request_id"]]["ts"] == pytest.approx(row["arrived_s"] * 1e6, abs=1e-3)
        assert begun[row["request_id"]]["args"]["outcome"] == row["outcome"]
        assert ended[row["request_id"]]["ts"] >= begun[row["request_id"]]["ts"]
        if row["finished_s"] is not None:
            assert ended[row["request_id"]]["ts"] == pytest.approx(row["finished_s"] * 1e6, abs=1e-3)
    batches = [event for event in events if event.get("cat") == "batch"]
    assert len(batches) == len(run.table("batches"))


def test_lanes_and_counters(run: Run, tmp_path: Path) -> None:
    write_timeline(run, tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    batches = [event for event in events if event.get("cat") == "batch"]
    for lane in {event["tid"] for event in batches}:
        own = sorted((event["ts"], event["ts"] + event["dur"]) for event in batches if event["tid"] == lane)
        assert all(finish <= start + 0.01 for (_, finish), (start, _) in pairwise(own))
    resident = [event for event in events if event["name"] == "resident batches"]
    for event in resident:
        at = event["ts"] + 0.01  # just after the change
        assert event["args"]["count"] == sum(
            each["ts"] <= at < each["ts"] + each["dur"] - 0.01 for each in batches
        ) or (event is resident[-1])
    waiting = [event["args"]["count"] for event in events if event["name"].startswith("waiting")]
    assert min(waiting) == 0
    assert max(waiting) >= 1


def test_a_part_of_a_run(run: Run, tmp_path: Path) -> None:
    write_timeline(run, tmp_path / "t.json", 0.1, 0.2)
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    begun = [event["ts"] for event in events if event["ph"] in ("b", "X")]
    assert 0.1e6 <= min(begun) <= max(begun) <= 0.2e6
    rows = [row for row in run.table("requests").to_pylist() if 0.1 <= row["arrived_s"] <= 0.2]
    assert sum(event["ph"] == "b" for event in events) == len(rows) > 0
