"""A run against measured requests: figures worked out by hand, bad tables, and the policy that repeats a record."""

import subprocess
import sys
from pathlib import Path

import pytest

from isim.errors import PolicyError, RunError
from isim.experiment import Experiment
from isim.policies.policy import Dispatch, Reject
from isim.policies.recorded import Recorded
from isim.policies.rehearsal import rehearse
from isim.run import Run
from isim.validate_run import validate_run

HEADER = "request_id,model,arrived_s,dispatched_s,finished_s,deadline_s,outcome,batch_id\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run of one model, some of whose requests share batches."""
    arrivals = {"rate": "2000rps", "duration": "50ms", "models": {"resnet50": 1.0}}
    return Experiment(arrivals=arrivals, policy="greedy", slo="5ms").run(tmp_path_factory.mktemp("runs") / "run")


def as_csv(run: Run, path: Path, **shift_s: float) -> Path:
    """Write a run's requests as CSV, columns moved by the given times."""
    lines = [HEADER]
    for row in run.table("requests").to_pylist():
        row |= {name: row[name] + by_s for name, by_s in shift_s.items()}
        lines.append(",".join("" if row[name] is None else str(row[name]) for name in HEADER.strip().split(",")) + "\n")
    path.write_text("".join(lines))
    return path


def test_a_run_agrees_with_itself(run: Run) -> None:
    found = validate_run(run, run.folder / "requests.parquet")
    assert found["mape"] == found["request_mape"] == found["attainment_error"] == found["throughput_ape"] == 0
    assert found["requests_matched"] == run.summary["total"]["requests"]
    figures = found["total"]["figures"]
    for name in ("latency_mean_s", "latency_p50_s", "latency_p99_s", "attainment"):
        assert figures[name]["simulated"] == pytest.approx(run.summary["total"][name], rel=1e-12)


def test_errors_are_relative_to_the_measured_value(run: Run, tmp_path: Path) -> None:
    """Two measured requests of 2 and 4 ms: the mean is 3 ms, the median too, p90 3.8, p95 3.9, p99 3.98 ms."""
    path = tmp_path / "measured.csv"
    path.write_text(
        "request_id,model,arrived_s,finished_s,deadline_s\n90001,resnet50,7,7.002,7.003\n90002,resnet50,7,7.004,7.003\n"
    )
    found = validate_run(run, path)
    figures = found["total"]["figures"]
    measured = [figures[f"latency_{name}_s"]["measured"] for name in ("mean", "p50", "p90", "p95", "p99")]
    assert measured == pytest.approx([0.003, 0.003, 0.0038, 0.0039, 0.00398])
    assert figures["attainment"]["measured"] == 0.5  # the second is late, by its deadline
    assert figures["throughput_rps"]["measured"] == pytest.approx(500.0)
    mean_s = run.summary["total"]["latency_mean_s"]
    assert figures["latency_mean_s"]["error"] == pytest.approx(mean_s / 0.003 - 1)
    assert figures["attainment"]["error"] == pytest.approx(run.summary["total"]["attainment"] - 0.5)
    assert found["mape"] == found["models"]["resnet50"]["mape"]
    assert found["requests_matched"] == 0 and found["request_mape"] is None


def test_requests_are_compared_one_by_one(run: Run, tmp_path: Path) -> None:
    """Every measured latency 1 ms longer: each error is 1 / (latency + 1), with latencies in ms."""
    found = validate_run(run, as_csv(run, tmp_path / "m.csv", finished_s=0.001))
    rows = run.table("requests").to_pylist()
    expected = [0.001 / (row["latency_s"] + 0.001) for row in rows]
    assert found["request_mape"] == pytest.approx(sum(expected) / len(expected), rel=1e-6)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("request_id,model\n1,a\n", "no column 'arrived_s', 'finished_s' (has: request_id, model)"),
        (HEADER, "no requests (found 0 rows)"),
        (HEADER + "1,a,0,0,1,,on-time,0\n1,a,0,0,1,,on-time,1\n", "stands there twice (found request_id 1)"),
        (HEADER + "1,a,2,2,1,,on-time,0\n", "finished before it began (found 1.0 s in row 0)"),
        (HEADER + "1,a,2,1,3,,on-time,0\n", "dispatched before it arrived (found 1.0 s in row 0)"),
        (HEADER + "1,a,0,0,1,,fine,0\n", "no such outcome (found 'fine' in row 0)"),
        (HEADER + "1,a,0,0,1,,dropped,0\n", "outcome and finished_s disagree (found 'dropped', 1.0 s in row 0)"),
        (HEADER + "1,,0,0,1,,on-time,0\n", "a request has no model (found None in row 0)"),
        (HEADER + "1,a,soon,0,1,,on-time,0\n", "column arrived_s does not hold numbers (found string"),
        (HEADER + "1.5,a,0,0,1,,on-time,0\n", "request_id is not a whole number (found 1.5 in row 0)"),
        (HEADER + "1,a,,,,,dropped,\n", "arrived_s is not a time (found nan in row 0)"),
        (HEADER + "1,a,0,,,,dropped,\n", "not the models of"),
        (HEADER + "1,resnet50,0,,,,dropped,\n", "no request finished (of 1)"),
    ],
)
def test_says_what_is_wrong_with_a_table(run: Run, tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(text)
    with pytest.raises(RunError) as raised:
        validate_run(run, path)
    assert problem in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("name", ["absent.csv", "absent.parquet"])
def test_says_that_a_table_is_absent(run: Run, tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="no such file"):
        validate_run(run, tmp_path / name)


def test_a_file_of_another_format(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("not Parquet")
    with pytest.raises(RunError, match="not a readable table"):
        validate_run(run, tmp_path / "text.parquet")


def test_recorded_repeats_a_run_to_the_bit(run: Run, tmp_path: Path) -> None:
    """The same batches at the same times under the same contention must end as they did under the policy itself."""
    record = as_csv(run, tmp_path / "record.csv")
    arrivals = {"rate": "2000rps", "duration": "50ms", "models": {"resnet50": 1.0}}
    again = Experiment(arrivals=arrivals, policy=f"recorded:table={record}", slo="5ms").run(tmp_path / "again")
    assert run.summary["total"]["mean_batch_size"] > 1
    assert again.table("requests") == run.table("requests")
    assert again.table("batches") == run.table("batches")


def test_recorded_waits_for_slots_and_refuses_as_recorded(tmp_path: Path) -> None:
    """Batch 1 is due at 4 ms, but the slot is free only at 11 ms; request 3 was rejected, request 4 dropped."""
    path = tmp_path / "record.csv"
    path.write_text(
        HEADER + "0,a,0,0.001,0.003,,on-time,0\n1,a,0.002,0.004,0.006,,on-time,1\n2,b,0.003,0.03,0.04,,on-time,2\n"
        "3,a,0.003,,,,rejected,\n4,a,0.003,,,,dropped,\n"
    )
    arrivals = [("a", 0.0), ("a", 0.002), ("b", 0.003), ("a", 0.003), ("a", 0.003)]
    found = rehearse(Recorded(str(path)), arrivals, solo_s=0.01)
    assert str(found) == "1 ms: a 0\n3 ms: reject 3\n3 ms: drop 4\n11 ms: a 1\n30 ms: b 2"
    assert [type(each) for _, each in found.log if isinstance(each, Dispatch | Reject)] == [
        Dispatch,
        Reject,
        *[Dispatch] * 2,
    ]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("0,a,0,0,1,,on-time,0\n1,b,0,0,1,,on-time,0\n", "batch 0 is of several models (found a, b)"),
        ("0,a,0,0,1,,on-time,0\n1,a,0,0.5,1,,on-time,0\n", "batch 0 has no single dispatched_s (found [0.0, 0.5])"),
    ],
)
def test_recorded_refuses_batches_that_cannot_be(tmp_path: Path, rows: str, problem: str) -> None:
    path = tmp_path / "record.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(PolicyError) as raised:
        Recorded(str(path))
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("arrivals", "problem"),
    [
        ([("a", 0.0), ("a", 0.5)], "request 1 is not in the record"),
        ([("a", 0.1)], "request 0 arrives at 0.1 s"),
    ],
)
def test_recorded_knows_another_trace(tmp_path: Path, arrivals: list[tuple[str, float]], problem: str) -> None:
    path = tmp_path / "record.csv"
    path.write_text(HEADER + "0,a,0,0,1,,on-time,0\n")
    with pytest.raises(PolicyError, match=problem):
        rehearse(Recorded(str(path)), arrivals)


def test_the_command(run: Run, tmp_path: Path) -> None:
    record = as_csv(run, tmp_path / "m.csv", finished_s=0.001)

    def isim(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "isim", "validate", *map(str, words)]
        return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)

    done = isim(run.folder, record, "--fail-if", "mape > 0.01")
    assert done.returncode == 3
    assert "isim: mape > 0.01 (found 0." in done.stderr
    assert "one by one" in done.stdout
    assert isim(run.folder, record, "--fail-if", "mape > 0.99", "--json").returncode == 0
    other = tmp_path / "other.csv"
    other.write_text("request_id,model,arrived_s,finished_s,deadline_s\n90001,resnet50,7,7.002,7.003\n")
    done = isim(run.folder, other)
    assert done.returncode == 0
    assert "these may be different requests; compare runs of one trace" in done.stderr
    for words, code, problem in (
        ((run.folder,), 2, "give RUN and RECORDED, or --profile"),
        ((run.folder, record, "--profile", "p"), 2, "RUN and RECORDED go without"),
        ((run.folder, record, "--fail-if", "mpae > 1"), 2, "no such figure (found 'mpae')"),
        ((record, record), 1, "not a run folder"),
    ):
        done = isim(*words)
        assert done.returncode == code
        assert problem in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr and not done.stdout
