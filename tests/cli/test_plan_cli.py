"""`isim plan` as a user meets it: a process, its streams, its files, and what runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import kernel, profile_of

EVEN = ["--arrivals", "constant", "--rate", "400rps", "--duration", "2s"]


def isim(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "isim", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that holds a profile of batches of n that take 4 + n ms."""
    sizes = {
        (model, n): [kernel((4 + n) * 10**6, sm=0.8, memory=0.1)] for model in ("ant", "bee") for n in (1, 2, 4, 8)
    }
    profile_of(sizes).write(tmp_path / "p.parquet")
    (tmp_path / "plans").mkdir()
    return tmp_path


def test_a_plan_is_written_run_and_compared(folder: Path) -> None:
    """4 of ant come in 13.3 ms and take 8, 2 of bee come in 20 and take 6: too long for the shorter cycle."""
    arguments = ["plan", "nexus", "--profile", "p.parquet", *EVEN, "--models", "ant=3,bee", "--slo", "30ms"]
    told = isim(*arguments, "-o", "plans/e.toml", cwd=folder)
    assert (told.returncode, told.stderr) == (0, "isim: wrote plans/e.toml\n")
    assert told.stdout.splitlines()[0] == "2 GPUs"
    document = json.loads(isim(*arguments, "--json", cwd=folder).stdout)
    assert [(part["gpu"], part["model"], part["batch_size"]) for part in document["parts"]] == [
        (0, "ant", 4), (1, "bee", 2),
    ]  # fmt: skip
    rows = [line.split() for line in told.stdout.splitlines()]
    for part in document["parts"]:
        expected = [
            str(part["gpu"]), part["model"], f"{part['rate_rps']:.4g}", str(part["batch_size"]),
            f"{1e3 * part['duration_s']:.4g}", "1", f"{1e3 * part['duty_cycle_s']:.4g}", f"{part['busy_share']:.3f}",
        ]  # fmt: skip
        assert expected in rows
    ran = isim("run", "plans/e.toml", "--json", "-q", cwd=folder)
    summary = json.loads(ran.stdout)["summary"]["total"]
    assert summary["on_time"] == summary["requests"] == pytest.approx(800, abs=2)
    compared = isim("compare", "plans/e.toml", "--policy", "greedy", "--policy", "fcfs", "--seeds", "2", cwd=folder)
    assert compared.returncode == 0


def test_all_that_is_wrong_at_once(folder: Path) -> None:
    (folder / "e.toml").write_text("mine")
    wrong = ["--profile", "p.parquet", "--rate", "90rps", "--models", "ant,cat"]
    told = isim("plan", "gpulets", *wrong, "-o", "e.toml", cwd=folder)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines() == [
        "isim: e.toml: exists already; choose another name, or replace it with -f/--force",
        "isim: plan: no objective (found none of ant, cat); give --slo 50ms, or --slo ant=50ms",
        "isim: p.parquet: no measurement of model 'cat' (has: ant, bee); profile it with 'isim profile', or map the "
        "trace onto models that are profiled",
    ]
    assert (folder / "e.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--slo", "9ms"], 1, "slo.ant: shorter than two batches of 1, of which one may have to wait for the other"),
        (["--arrivals", "poison", "--slo", "50ms"], 1, "arrival process poison: unknown"),
        (["--slo", "be=9ms,*=90ms"], 1, "slo.be: no such model (has: ant, bee); did you mean bee?"),
        (["--slo", "50"], 2, "--slo: cannot read '50'"),
        (["--profile", "none.parquet", "--slo", "50ms"], 1, "none.parquet: no such file; write one with"),
        (["--slo", "50ms", "-o", "plans"], 1, "plans: a folder; give the name of a file"),
        (["--slo", "50ms", "-o", "none/e.toml"], 1, "none/e.toml: cannot be written (No such file or directory)"),
    ],
    ids=["too short", "no such process", "no such model", "no unit", "no profile", "a folder", "no folder"],
)
def test_one_mistake(folder: Path, arguments: list[str], code: int, sentence: str) -> None:
    before = sorted(folder.rglob("*"))
    told = isim("plan", "nexus", "--profile", "p.parquet", "--rate", "90rps", *arguments, cwd=folder)
    assert (told.returncode, told.stdout) == (code, "")
    assert told.stderr.startswith(f"isim: {sentence}")
    assert "Traceback" not in told.stderr
    assert sorted(folder.rglob("*")) == before


def test_igniter_says_what_is_missing(folder: Path) -> None:
    told = isim("plan", "igniter", cwd=folder)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("isim: plan igniter: needs coefficients that no profile holds (found a profile)")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nexsus"], "'nexsus' is not one of 'nexus', 'gpulets', 'igniter'"),
        (["nexus", "--predictor", "mean"], "Error: --predictor goes with gpulets: under nexus nothing runs beside"),
    ],
    ids=["no such planner", "predictor"],
)
def test_mistakes_of_usage(folder: Path, arguments: list[str], sentence: str) -> None:
    told = isim("plan", *arguments, cwd=folder)
    assert (told.returncode, told.stdout) == (2, "")
    assert sentence in told.stderr
