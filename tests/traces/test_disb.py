"""DISB's workloads: what a file can hold of them, and what only a run can."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from isim.errors import TraceError
from isim.traces.burstiness import index_of_dispersion
from isim.traces.importers.disb import read_disb
from isim.traces.statistics import describe

SECOND_NS = 10**9


def workload(folder: Path, *tasks: tuple[str, dict[str, Any]], time: float = 10) -> Path:
    path = folder / "disb.json"
    listed = [
        {"id": name, "load": load, "client": {"name": name, "model_name": f"{name}-model", "batch_size": 2}}
        for name, load in tasks
    ]
    path.write_text(json.dumps({"time": time, "tasks": listed}))
    return path


def test_the_recorded_workload(shared_data: Path) -> None:
    trace = read_disb(shared_data / "traces" / "disb" / "REAL.json")
    figures = describe(trace)
    assert len(trace) == 1684
    assert figures["rate_rps"] == pytest.approx(43.3, abs=0.05)
    assert figures["gap_cv"] == pytest.approx(1.04, abs=0.005)
    assert figures["index_of_dispersion_1s"] == pytest.approx(1.7, abs=0.05)
    measured = {
        "resnet152-imagenet": (375, 0.12), "densenet201-imagenet": (202, 0.22), "vgg19-imagenet": (560, 1.59),
        "inceptionv3-imagenet": (374, 0.23), "distilbert": (173, 0.39),
    }  # fmt: skip
    for model, (requests, cv) in measured.items():
        assert figures["models"][model]["requests"] == requests
        assert figures["models"][model]["gap_cv"] == pytest.approx(cv, abs=0.005)
    dropped = trace.footer["source"]["rows_dropped"]
    assert sorted(reason.rpartition(": ")[2] for reason in dropped) == [
        "densenet201_be", "distilbert_be", "inceptionv3_be", "resnet152_be", "vgg19_be",
    ]  # fmt: skip
    assert set(trace.table["class"].to_pylist()) == {"rt"}


@pytest.mark.parametrize(("name", "requests", "closed"), [("A", 6000, 1), ("C", 6000, 5), ("D", 6000, 5)])
def test_the_periodic_workloads(shared_data: Path, name: str, requests: int, closed: int) -> None:
    trace = read_disb(shared_data / "traces" / "disb" / f"{name}.json")
    assert len(trace) == requests
    assert len(trace.footer["source"]["rows_dropped"]) == closed
    assert describe(trace)["gap_cv"] < 1e-6  # coordinated: no two meet, all gaps are equal


def test_the_poisson_workload(shared_data: Path) -> None:
    trace = read_disb(shared_data / "traces" / "disb" / "E.json", seed=1)
    assert stats.poisson(6000).sf(len(trace)) > 0.005 < stats.poisson(6000).cdf(len(trace))
    found = index_of_dispersion(trace.arrival_ns, trace.duration_ns, SECOND_NS)
    assert found == pytest.approx(1, abs=4 * np.sqrt(2 / 60))
    assert read_disb(shared_data / "traces" / "disb" / "E.json", seed=1).digest() == trace.digest()


def test_a_workload_of_closed_loops_is_for_a_run(shared_data: Path) -> None:
    path = shared_data / "traces" / "disb" / "B.json"
    with pytest.raises(TraceError) as error:
        read_disb(path)
    assert str(error.value) == (
        f"{path}: no task has arrivals that a file can hold (closed loop (continuous), which only clients of a run can "
        "be: vgg19_rt; closed loop (continuous), which only clients of a run can be: resnet152_be); run it with "
        "--clients"
    )


def test_tasks_of_one_frequency_are_spread_if_they_are_urgent(tmp_path: Path) -> None:
    urgent = {"type": "periodic", "priority": 0, "frequency": 2}
    path = workload(tmp_path, ("a_rt", urgent), ("b_rt", urgent), ("c_be", {**urgent, "priority": 3}), time=1)
    trace = read_disb(path)
    rows = [
        (row["arrival_ns"] // 10**6, row["tenant"], row["priority"], row["class"]) for row in trace.table.to_pylist()
    ]
    assert rows == [
        (0, "a_rt", 0, "rt"), (0, "c_be", -3, "be"), (250, "b_rt", 0, "rt"), (500, "a_rt", 0, "rt"),
        (500, "c_be", -3, "be"), (750, "b_rt", 0, "rt"),
    ]  # fmt: skip
    assert trace.models == ("a_rt-model", "b_rt-model", "c_be-model")
    assert set(trace.table["batch"].to_pylist()) == {2}
    assert trace.duration_ns == SECOND_NS


def test_a_task_after_another_waits_for_it(tmp_path: Path) -> None:
    path = workload(
        tmp_path,
        ("c", {"type": "dependent", "prev_task_ids": ["b"]}),
        ("b", {"type": "dependent", "prev_task_ids": ["a"]}),
        ("a", {"type": "trace", "trace": [7, 3.5]}),
        ("joined", {"type": "dependent", "prev_task_ids": ["a", "b"]}),
        ("after", {"type": "dependent", "prev_task_ids": ["joined"]}),
    )
    trace = read_disb(path)
    rows = {row["request_id"]: row for row in trace.table.to_pylist()}
    assert trace.arrival_ns.tolist() == [3_500_000] * 3 + [7_000_000] * 3
    for row in rows.values():
        before = {"a": None, "b": "a", "c": "b"}[row["tenant"]]
        if before is None:
            assert row["parent_id"] is None
        else:
            parent = rows[row["parent_id"]]
            assert (parent["tenant"], parent["arrival_ns"], row["think_ns"]) == (before, row["arrival_ns"], 0)
    assert trace.footer["source"]["rows_dropped"] == {
        "waits for several tasks, of which a trace holds one: joined": 1,
        "waits for a task that is not in the trace: after": 1,
    }


@pytest.mark.parametrize(
    ("load", "problem"),
    [
        ({"type": "normal"}, "the load of 'a' is of no known type (found 'normal'); correct it"),
        ({"type": "periodic"}, "the load of 'a' makes no sense ('frequency'); correct it"),
        ({"type": "poisson", "frequency": -1}, "the load of 'a' makes no sense (a frequency of -1); correct it"),
        ({"type": "poisson", "frequency": float("nan")}, "the load of 'a' makes no sense (a frequency of nan)"),
        ({"type": "poisson", "frequency": 9e8}, "the load of 'a' makes no sense (9e+09 requests); correct it"),
        ({"type": "trace", "trace": [3, -1]}, "the load of 'a' makes no sense (a time of -1 ms); correct it"),
        ({"type": "trace", "trace": [3, "x"]}, "the load of 'a' makes no sense (could not convert string"),
        ({"type": "trace", "trace": [1e300]}, "the load of 'a' makes no sense ("),
        ({"type": "dependent", "prev_task_ids": ["z"]}, "'a' waits for no known task (found ['z']); correct it"),
        ({"type": "trace", "trace": [1], "priority": "high"}, "the priority of 'a' is no whole number >= 0"),
        ({"type": "trace", "trace": []}, "no task has arrivals that a file can hold (no tasks); run it with --clients"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(tmp_path: Path, load: dict[str, Any], problem: str) -> None:
    path = workload(tmp_path, ("a", load))
    with pytest.raises(TraceError) as error:
        read_disb(path)
    assert str(error.value).startswith(f"{path}: {problem}")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("{", "Expecting property name enclosed in double quotes"),
        ("[]", "a list or text where a table belongs"),
        ('{"time": 5}', "no 'tasks'"),
        ('{"time": "x", "tasks": []}', "could not convert string to float: 'x'"),
        ('{"time": 1e400, "tasks": []}', "cannot convert float infinity to integer"),
        ('{"time": 5, "tasks": [{}]}', "no 'client'"),
        ('{"time": 5, "tasks": {"a": 3}}', "a list or text where a table belongs"),
        ('{"time": 5, "tasks": [{"load": 3, "client": {}}]}', "a list or text where a table belongs"),
        ('{"time": 5, "tasks": [{"load": {}, "client": {"batch_size": 1e400}}]}', "cannot convert float infinity"),
        ('{"time": 5, "tasks": [{"load": {}, "client": {"batch_size": 0}}]}', "a batch size of 0"),
        ('{"time": 5, "tasks": [{"load": {}, "client": {"batch_size": 1e10}}]}', "a batch size of 10000000000"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: str, found: str) -> None:
    path = tmp_path / "disb.json"
    path.write_text(content)
    with pytest.raises(TraceError) as error:
        read_disb(path)
    assert str(error.value).startswith(f"{path}: not a workload of DISB ({found}")


def test_the_older_name_of_a_load_and_tasks_without_id(tmp_path: Path) -> None:
    path = tmp_path / "disb.json"
    task = {"strategy": {"type": "trace", "trace": [25]}, "client": {"name": "D"}}
    path.write_text(json.dumps({"time": 5, "tasks": [task]}))
    assert read_disb(path).table["tenant"].to_pylist() == ["D"]
    path.write_text(json.dumps({"time": 5, "tasks": [task, task]}))
    with pytest.raises(TraceError, match="two tasks are called 'D'; give each its id"):
        read_disb(path)
