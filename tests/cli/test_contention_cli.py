"""`isim run --contention FILE.py:Class`: what is no contention model is refused in one sentence, before it runs."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from own_contention import HEAD, speeds
from worlds import kernel, profile_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    profile = profile_of({("a", 1): [kernel(10**6, sm=0.5), kernel(10**6, sm=0.9)], ("b", 1): [kernel(10**6, sm=0.7)]})
    profile.write(tmp_path / "p.parquet")
    (tmp_path / "t.csv").write_text("arrival_ns,model\n" + "\n".join(f"{k * 10**6},{'ab'[k % 2]}" for k in range(20)))
    return tmp_path


def run(folder: Path, contention: str, *more: str) -> "subprocess.CompletedProcess[str]":
    arguments = ["--profile", "p.parquet", "--trace", "t.csv", "--policy", "fcfs", "--contention", contention, *more]
    return subprocess.run(
        [sys.executable, "-B", "-m", "isim", "run", *arguments, "-o", "out"],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_nonsense_is_refused_before_it_runs(folder: Path) -> None:
    (folder / "m.py").write_text(HEAD + speeds("speed[k] = 1.0 if count == 1 else np.nan"))
    ran = run(folder, "m.py:Mine")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("isim: contention m.py:Mine: speed nan, where more than 0 and at most 1 is due, for [")
    assert ran.stderr.count("\n") == 1
    assert not (folder / "out").exists()


def test_what_the_decorator_refuses_is_one_line(folder: Path) -> None:
    (folder / "m.py").write_text(HEAD + speeds("print(open('x'))"))
    ran = run(folder, "m.py:Mine")
    assert ran.returncode == 1
    assert ran.stderr.startswith(
        "isim: contention model m.py:32: TypingError (Failed in nopython mode pipeline (step: n"
    )
    assert "open" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_the_file_of_a_contention_model_is_recorded(folder: Path) -> None:
    source = HEAD + speeds("speed[k] = 1.0 / count", "@njit")
    (folder / "m.py").write_text(source)
    assert run(folder, "m.py:Mine").returncode == 0
    found = json.loads((folder / "out" / "run.json").read_text())
    assert found["inputs"]["contention"] == {
        "path": "m.py",
        "sha256": hashlib.sha256(source.encode()).hexdigest(),
    }
    assert found["contention"]["name"] == "base"
    assert run(folder, "none", "-f").returncode == 0
    assert json.loads((folder / "out" / "run.json").read_text())["inputs"]["contention"] is None


def test_speeds_that_never_end_a_batch_are_found_while_it_runs(folder: Path) -> None:
    (folder / "m.py").write_text(HEAD + speeds("speed[k] = 1.0 if count == 1 else 1e-300"))
    ran = run(folder, "m.py:Mine", "--concurrency", "2")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "isim: contention base at 0.001 s: a@1, b@1 would never finish (it granted speeds that are no numbers above "
        "0); check it with isim.contention.checks.check_contention\n"
    )
    assert not (folder / "out").exists()
