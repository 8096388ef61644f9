"""Standard output that is full or closed, and signals at any moment: one sentence, nothing half written."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ISIM = [sys.executable, "-B", "-m", "isim"]
SHORT = ["run", "--rate", "200rps", "--duration", "1s", "-o", "out"]
LONG = ["run", "--rate", "1000rps", "--duration", "1h", "--slo", "5ms"]
ANSWERS = {
    "run": SHORT,
    "run as JSON": [*SHORT, "--json"],
    "show": ["show", "given"],
    "show as JSON": ["show", "given", "--json"],
    "list": ["list", "policies"],
    "list as JSON": ["list", "contention", "--json"],
    "a table": ["list", "gpus"],
    "help": ["run", "--help"],
}

INTERRUPTS_ITSELF = """
import ctypes, os
from isim.policies.greedy import Greedy

@ctypes.CFUNCTYPE(None)
def called_back():
    os.kill(os.getpid(), {number})

class Own(Greedy):
    def __init__(self):
        called_back()
        super().__init__()
"""

MISTAKES_IT = """
import os
from isim.policies.greedy import Greedy

class Own(Greedy):
    def __init__(self):
        try:
            os.kill(os.getpid(), {number})
        except BaseException:
            raise TypeError("it made something else of what it caught") from None
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds the run `given`."""
    folder = tmp_path_factory.mktemp("streams")
    subprocess.run([*ISIM, *SHORT[:-1], "given", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return folder


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("answer", ANSWERS)
def test_standard_output_is_full(folder: Path, answer: str) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*ISIM, *ANSWERS[answer], *(["-f"] if "-o" in ANSWERS[answer] else [])],
            cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    lines = [line for line in ran.stderr.splitlines() if line != "isim: wrote out"]
    said = "isim: standard output: cannot be used (No space left on device); correct that, and try again"
    assert (ran.returncode, lines) == (1, [said])


@pytest.mark.parametrize("answer", ANSWERS)
def test_standard_output_is_closed(folder: Path, answer: str) -> None:
    before = sorted(folder.rglob("*"))
    ran = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *ISIM, *ANSWERS[answer]],
        cwd=folder, stderr=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    said = "isim: standard output is closed; send it to /dev/null if the answer is not wanted\n"
    assert (ran.returncode, ran.stderr) == (1, said)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_reader_that_has_gone_is_no_failure(folder: Path, answer: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [*ISIM, *ANSWERS[answer], *(["-f"] if "-o" in ANSWERS[answer] else [])],
            cwd=folder, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr.replace("isim: wrote out\n", "")) == (0, "")


@pytest.mark.parametrize(("arguments", "code"), [(["list", "policies"], 0), (["run", "--policy", "nope"], 1)])
def test_standard_error_is_closed(folder: Path, arguments: list[str], code: int) -> None:
    ran = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *ISIM, *arguments], cwd=folder, timeout=60, check=False)
    assert ran.returncode == code


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("output", [["-o", "out"], []], ids=["named", "numbered"])
def test_a_signal_while_simulating_leaves_nothing(tmp_path: Path, number: signal.Signals, output: list[str]) -> None:
    process = subprocess.Popen(
        [*ISIM, *LONG, *output], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.rglob(".*.partial/requests.parquet")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err.strip()) == (130, "", "isim: interrupted")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    """From before Python has started to well into the simulation."""
    for step in range(12):
        process = subprocess.Popen(
            [*ISIM, *LONG], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            time.sleep(0.15 * step)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        # Interrupted in text that a library executes, Python ends itself by SIGINT, which a shell shows as 130 too.
        assert process.returncode in (130, -signal.SIGTERM, -signal.SIGINT), err
        assert (out, err.strip().replace("isim: interrupted", "")) == ("", "")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_callback_of_c_is_heard_after_it(tmp_path: Path, number: signal.Signals) -> None:
    """Nothing can be raised in a callback from C, and the compiler that numba uses calls back."""
    (tmp_path / "own.py").write_text(INTERRUPTS_ITSELF.format(number=int(number)))
    ran = subprocess.run(
        [*ISIM, *LONG, "--policy", "own.py:Own"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout, ran.stderr.strip()) == (130, "", "isim: interrupted")
    assert [found.name for found in tmp_path.iterdir() if found.name != "__pycache__"] == ["own.py"]


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["table", "JSON"])
def test_a_reader_that_has_gone_leaves_the_verdict(tmp_path: Path, more: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [*ISIM, "compare", *SHORT[1:5], "--seeds", "2", "--executor", "processes:1", "-q", *more,
             "--fail-if", "latency_p99_s > 0"],
            cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert ran.returncode == 3
    assert re.fullmatch(r"isim: latency_p99_s > 0 \(found .*\)\n", ran.stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_a_library_takes_for_an_error_is_one_still(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "own.py").write_text(MISTAKES_IT.format(number=int(number)))
    ran = subprocess.run(
        [*ISIM, *LONG, "--policy", "own.py:Own"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout, ran.stderr.strip()) == (130, "", "isim: interrupted")


def test_two_signals_still_leave_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([*ISIM, *LONG], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not list(tmp_path.rglob(".*.partial/requests.parquet")):
            assert process.poll() is None
            time.sleep(0.02)
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert list(tmp_path.rglob("*.partial")) == []
