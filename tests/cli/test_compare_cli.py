"""`isim compare`: the same luck for every policy, intervals over seeds, and what is kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from worlds import kernel, profile_of

from isim.cli.compare import command
from isim.errors import ExperimentError, PolicyError, RunError
from isim.run import Run
from isim.statistics import interval, paired_difference

POLICIES = ["--policy", "greedy", "--policy", "static:batch_size=4,max_delay=5ms"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which holds a profile and a trace."""
    sizes = {
        (model, size): [kernel(2 * 10**6 + 10**5 * size, sm=0.8, memory=0.1)] for model in "ab" for size in (1, 2, 4)
    }
    profile_of(sizes).write(tmp_path / "p.parquet")
    rows = [f"{k * 10**6},a" for k in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["arrival_ns,model", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


GENERATED = ["--profile", "p.parquet", "--rate", "500rps", "--duration", "500ms", "--slo", "8ms"]


def compare(*arguments: str) -> Any:
    return CliRunner().invoke(command, [*arguments], catch_exceptions=False)


def test_figures_and_intervals_come_from_the_runs(folder: Path) -> None:
    ran = compare(*GENERATED, *POLICIES, "--seeds", "3", "--seed", "5", "-o", "cmp", "--json")
    found = json.loads(ran.stdout)
    assert found == json.loads(Path("cmp/compare.json").read_text())
    assert (found["seeds"], found["baseline"], found["note"]) == ([5, 6, 7], "greedy", "")
    folders = ["1-greedy", "2-static_batch_size=4,max_delay=5ms"]
    assert sorted(path.name for path in Path("cmp").iterdir()) == [*folders, "compare.json"]
    runs = [[Run.read(Path("cmp") / name / f"seed-{seed}") for seed in (5, 6, 7)] for name in folders]
    for greedy, static in zip(*runs, strict=True):
        assert greedy.table("requests", ["arrived_s"]) == static.table("requests", ["arrived_s"])
    for model in (None, "a", "b"):
        values = [
            [(run.summary["total"] if model is None else run.summary["models"][model])["latency_p99_s"] for run in of]
            for of in runs
        ]
        static = found["policies"]["static:batch_size=4,max_delay=5ms"]
        figure = (static["total"] if model is None else static["models"][model])["latency_p99_s"]
        mean, low, high, _ = interval(values[1])
        change = paired_difference(values[1], values[0])
        assert (figure["mean"], *figure["ci95"]) == pytest.approx((mean, low, high))
        assert (figure["minus_baseline"], *figure["minus_baseline_ci95"]) == pytest.approx(change[:3])
    assert values[0][0] != values[0][1]


def test_the_table_names_policies_and_shows_every_figure(folder: Path) -> None:
    ran = compare(*GENERATED, *POLICIES, "--seeds", "2")
    lines = ran.stdout.splitlines()
    assert lines[:7] == [
        "profile     p.parquet (analytic)",
        "requests    poisson at 500 rps for 500 ms",
        "sharing     streams, concurrency 2",
        "contention  roofline (not calibrated for this GPU)",
        "seeds       0 to 1, noise off; the same requests for every policy at a seed",
        "policy A    greedy",
        "policy B    static:batch_size=4,max_delay=5ms",
    ]
    assert lines[7].split() == ["policy", "mean", "95", "%", "interval", "minus", "A", "95", "%", "interval"]
    assert lines[9].startswith("SLO attainment ")
    assert (max(map(len, lines)) <= 100, ran.stderr) == (True, "")
    assert sorted(path.name for path in folder.iterdir()) == ["p.parquet", "t.csv"]


def test_a_fixed_trace_runs_once(folder: Path) -> None:
    ran = compare("--profile", "p.parquet", "--trace", "t.csv", *POLICIES, "--seeds", "4", "--json")
    assert ran.stderr == "isim: nothing is random here, so there is nothing to replicate: every policy ran once\n"
    found = json.loads(ran.stdout)
    assert (found["replications"], found["seeds"]) == (1, [0])
    assert found["policies"]["greedy"]["total"]["goodput_rps"]["ci95"] is None


def test_one_seed_has_no_interval(folder: Path) -> None:
    ran = compare(*GENERATED, "--policy", "fcfs", "--seeds", "1")
    assert ran.stderr == "isim: one replication has no confidence interval; give more with --seeds\n"
    assert "[" not in ran.stdout
    assert "minus" not in ran.stdout


def test_a_wrong_policy_is_told_before_anything_runs(folder: Path) -> None:
    with pytest.raises(PolicyError, match="policy gredy: unknown"):
        compare(*GENERATED, "--policy", "fcfs", "--policy", "gredy", "-o", "cmp")
    with pytest.raises(ExperimentError, match="policy fcfs: given twice"):
        compare(*GENERATED, "--policy", "fcfs", "--policy", "fcfs", "-o", "cmp")
    assert sorted(path.name for path in folder.iterdir()) == ["p.parquet", "t.csv"]


def test_only_a_comparison_is_replaced(folder: Path) -> None:
    once = [*GENERATED, "--policy", "fcfs", "--seeds", "1", "-o", "cmp"]
    compare(*once)
    with pytest.raises(RunError, match="cmp: exists already"):
        compare(*once)
    compare(*once, "--seed", "3", "-f")
    assert json.loads(Path("cmp/compare.json").read_text())["seeds"] == [3]
    with pytest.raises(RunError, match=r"cmp/1-fcfs: exists and is not what -f/--force may replace \(no compare.json"):
        compare(*once[:-1], "cmp/1-fcfs", "-f")


def test_as_a_process(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "isim", "compare", *GENERATED, *POLICIES, "--seeds", "0"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "0 is not in the range x>=1" in ran.stderr
