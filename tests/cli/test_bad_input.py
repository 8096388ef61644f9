"""What a user gets wrong, each in a real process: one sentence, the exit code, no traceback, nothing written."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from worlds import kernel, profile_of

from isim.profiler.profile import Profile
from isim.traces.trace import Trace

POLICIES = """
class Raises:
    def decide(self, view, event):
        raise ZeroDivisionError("float division")

class Exits:
    def decide(self, view, event):
        raise SystemExit(0)

class Sleepy:
    def decide(self, view, event):
        from isim.policies.policy import WakeAt
        return [WakeAt("soon")]

class Wordy:
    def decide(self, view, event):
        from isim.policies.policy import Dispatch
        return [Dispatch(list(view.queues["a"]), priority="high")]

class Endless:
    def decide(self, view, event):
        from isim.policies.policy import WakeAt
        while True:
            yield WakeAt(view.now_s + 1)

class Impossible:
    def decide(self, view, event):
        from isim.policies.policy import Dispatch
        waiting = list(view.queues["a"])
        return [Dispatch(waiting), Dispatch(waiting)]
"""

EXPERIMENTS = {
    "number-profile": 'profile = 3\ntrace = "good.csv"',
    "number-slo": 'slo = 3\narrivals = { rate = "5rps" }',
    "number-arrivals": "arrivals = 3",
    "text-clients": 'clients = "x"',
    "empty": "",
    "wrong": 'profile = "p.parquet"\ntrace = "good.csv"\nsharing = "strms"\nconcurrency = 0\npolicy = "dynamc"\n'
    'contention = "leftovr"\nslo = { foo = "3ms" }',
    "no-clients": 'horizon = "1s"\n[clients]\nmodels = {}',
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of good and bad inputs."""
    folder = tmp_path_factory.mktemp("inputs")
    profile = profile_of({("a", size): [kernel(10**6 * size)] for size in (1, 4)})
    profile.write(folder / "p.parquet")
    half = profile.table.set_column(
        profile.table.column_names.index("sm_share"), "sm_share", pa.array([0.5] * len(profile.table))
    )
    Profile.from_table(half.replace_schema_metadata(None), {"origin": "analytic"}).write(folder / "half.parquet")
    for name, text in EXPERIMENTS.items():
        (folder / f"{name}.toml").write_text(text)
    old = profile.table.replace_schema_metadata({"isim.profile": '{"schema": "0", "origin": "analytic"}'})
    pq.write_table(old, folder / "old.parquet")
    (folder / "junk.parquet").write_bytes(b"PK\x03\x04 is not Parquet")
    (folder / "policies.py").write_text(POLICIES)
    (folder / "slo.toml").write_text('profile = "p.parquet"\ntrace = "good.csv"\nslo = { a = "0ms" }\n')
    traces = {"good": "0,a\n5,a", "unsorted": "5,a\n0,a", "negative": "-1,a\n0,a", "other": "0,aa", "large": "0,a"}
    for name, rows in traces.items():
        header = "arrival_ns,model" + (",batch" if name == "large" else "")
        (folder / f"{name}.csv").write_text(f"{header}\n{rows}{',9' if name == 'large' else ''}\n")
    pq.write_table(pa.table({"arrival_ns": [0.0, float("nan")], "model": ["a", "a"]}), folder / "nan.parquet")
    Trace.from_columns(arrival_ns=[0], model=["a"]).write(folder / "t.parquet")
    (folder / "taken").mkdir()
    (folder / "taken" / "thesis.txt").write_text("years of work")
    return folder


def state(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*") if "__pycache__" not in path.parts)


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-B", "-m", "isim", "run", *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )


PROFILE, TRACE, OUT = ["--profile", "p.parquet"], ["--trace", "good.csv"], ["-o", "out"]

MISTAKES = {
    "missing profile": (
        ["--profile", "no.parquet", *TRACE],
        "no.parquet: no such file; write one with 'isim profile' ",
    ),
    "missing trace": (
        [*PROFILE, "--trace", "no.parquet"],
        "no.parquet: no such file; make one with 'isim trace make' ",
    ),
    "missing experiment": (["no.toml"], "no.toml: no such file; give the path of an experiment file (TOML)"),
    "not Parquet": (["--profile", "junk.parquet", *TRACE], "junk.parquet: not a readable Parquet file ("),
    "a trace that is not Parquet": (
        [*PROFILE, "--trace", "junk.parquet"],
        "junk.parquet: not a readable Parquet file (",
    ),
    "schema version": (["--profile", "old.parquet", *TRACE], "old.parquet: "),
    "unsorted": ([*PROFILE, "--trace", "unsorted.csv"], "unsorted.csv: "),
    "negative": ([*PROFILE, "--trace", "negative.csv"], "negative.csv: "),
    "NaN": ([*PROFILE, "--trace", "nan.parquet"], "nan.parquet: "),
    "unknown model": ([*PROFILE, "--trace", "other.csv"], "p.parquet: no measurement of model 'aa' (has: a); "),
    "request too large": (
        [*PROFILE, "--trace", "large.csv"],
        "large.csv: a request to a holds 9 samples, and p.parquet ",
    ),
    "batch too large": (
        [*PROFILE, *TRACE, "--policy", "dynamic:max_batch=8"],
        "policy dynamic: max_batch is larger than any batch of a that was profiled (found 8, largest profiled 4); ",
    ),
    "unknown policy": (
        [*PROFILE, *TRACE, "--policy", "gredy"],
        "policy gredy: unknown (known: aimd-concurrency, alpaserve, ",
    ),
    "unknown parameter": (
        [*PROFILE, *TRACE, "--policy", "dynamic:max_bach=4"],
        "policy dynamic: no parameter max_bach (has: max_batch, ",
    ),
    "SLO of zero": (
        ["slo.toml"],
        "slo.toml: slo.a: must be more than 0 and finite (found '0ms'); correct it, such as 50ms",
    ),
    "SLO of no model": ([*PROFILE, *TRACE, "--slo", "b=5ms"], "slo.b: no such model (has: a); correct the name"),
    "urgent requests of no model": (
        [*PROFILE, *TRACE, "--policy", "orion:urgent=b"],
        "policy: urgent=b: no such model (has: a); correct the name",
    ),
    "a profile for a trace": (
        [*PROFILE, "--trace", "p.parquet"],
        "p.parquet: is a profile, not a trace; give the trace with --trace (a profile with --profile)",
    ),
    "a trace for a profile": (
        ["--profile", "t.parquet", *TRACE],
        "t.parquet: is a trace, not a profile; give the profile with --profile (a trace with --trace)",
    ),
    "requests beyond memory": (
        ["--rate", "1000krps", "--duration", "1h"],
        "arrivals: too many requests to hold (found 3.6e+09, at most 5e+07); lower the rate or the duration",
    ),
    "clients beyond memory": (
        ["--clients", "resnet50=99999999999999999999", "--duration", "1s"],
        "--clients: too many clients in all (found 99999999999999999999); keep to 1,000,000",
    ),
    "an experiment without requests": (
        ["empty.toml"],
        "empty.toml: no requests (found neither trace, arrivals nor clients); give one of them",
    ),
    "folder taken": (
        [*PROFILE, *TRACE, "-f", "-o", "taken"],
        "taken: exists and is not what -f/--force may replace (no run.json in it); choose another with -o",
    ),
    "a profile that is a number": (["number-profile.toml"], "number-profile.toml: profile: not text (found 3); "),
    "objectives that are a number": (
        ["number-slo.toml", "--slo", "resnet50=5ms"],
        "number-slo.toml: slo: not a table (found 3); write it as a table",
    ),
    "arrivals that are a number": (
        ["number-arrivals.toml", "--rate", "5rps"],
        "number-arrivals.toml: arrivals: not a table (found 3); write it as a table",
    ),
    "clients that are text": (
        ["text-clients.toml", "--think", "5ms"],
        "text-clients.toml: clients: not a table (found 'x'); write it as a table",
    ),
    "no clients": (["no-clients.toml"], "no-clients.toml: clients.models: empty (found {}); name at least one"),
    "concurrency beyond reason": (
        ["--concurrency", "99999999999999999999"],
        "--concurrency: must be at most 100000 (found 99999999999999999999); correct it",
    ),
    "slowdown beyond reason": (
        ["--contention", "constant:slowdown=1e308"],
        "contention constant: slowdown must be at least 1 and at most 1e6 (got 1e+308); write slowdown=1.5",
    ),
    "only a part of the GPU": (
        ["--profile", "half.parquet", *TRACE],
        "half.parquet: no measurement of model 'a' at SM share 1 (found only lower shares); profile it on the ",
    ),
    "policy raises": (
        [*PROFILE, *TRACE, "--policy", "policies.py:Raises"],
        "policy policies.py:Raises at 0 s raised ZeroDivisionError at policies.py:4 (float division) (on Arrival); ",
    ),
    "policy exits": (
        [*PROFILE, *TRACE, "--policy", "policies.py:Exits"],
        "policy policies.py:Exits at 0 s raised SystemExit at policies.py:8 (0) (on Arrival); correct that line",
    ),
    "a time that is text": (
        [*PROFILE, *TRACE, "--policy", "policies.py:Sleepy"],
        "policy policies.py:Sleepy at 0 s decided WakeAt(time_s='soon', tag=''): its time is no number of seconds; ",
    ),
    "a priority that is text": (
        [*PROFILE, *TRACE, "--policy", "policies.py:Wordy"],
        "policy policies.py:Wordy at 0 s decided Dispatch(a: 0): its priority is no number (found 'high'); write 0, ",
    ),
    "decisions without end": (
        [*PROFILE, *TRACE, "--policy", "policies.py:Endless"],
        "policy policies.py:Endless at 0 s decided more than 10002 times on one Arrival; let decide come to an end",
    ),
    "impossible decision": (
        [*PROFILE, *TRACE, "--policy", "policies.py:Impossible"],
        "policy policies.py:Impossible at 0 s decided Dispatch(a: 0): request 0 does not wait in a queue (",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_sentence_and_nothing_written(inputs: Path, mistake: str) -> None:
    arguments, sentence = MISTAKES[mistake]
    before = state(inputs)
    ran = run(inputs, *(arguments if "-o" in arguments else [*arguments, *OUT]))
    of_flag = sentence.startswith("--")
    assert (ran.returncode, ran.stdout) == (2 if of_flag else 1, "")
    assert ran.stderr.startswith(f"isim: {sentence}")
    assert ran.stderr.count("\n") == 1
    assert "did you mean greedy?" in ran.stderr or mistake != "unknown policy"
    assert "did you mean max_batch?" in ran.stderr or mistake != "unknown parameter"
    assert state(inputs) == before


def test_a_flag_that_cannot_be_read_is_a_mistake_of_usage(inputs: Path) -> None:
    before = state(inputs)
    ran = run(inputs, *PROFILE, *TRACE, "--slo", "a=0ms", *OUT)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "isim: --slo: '0ms' is not positive and finite (found 'a=0ms'); write [MODEL=]DURATION,..., such as 50ms or "
        "resnet50=50ms,bert=100ms\n"
    )
    assert state(inputs) == before


LONG = ["--rate", "1000rps", "--duration", "1h", "--horizon", "1h", "--slo", "5ms"]


def test_a_file_that_cannot_grow(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    limit = 40_000
    ran = subprocess.run(
        [sys.executable, "-B", "-m", "isim", "run", "--rate", "1000rps", "--duration", "5s", *OUT],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("isim: out: cannot be written (")
    assert ran.stderr.endswith("File too large); make room, or choose another disk with -o; nothing was kept\n")
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_the_old_folder(tmp_path: Path, number: signal.Signals) -> None:
    assert run(tmp_path, "--rate", "200rps", "--duration", "1s", *OUT).returncode == 0
    before = state(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "isim", "run", *LONG, *OUT, "-f"], cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".out.*.partial/requests.parquet")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)  # well into the simulation
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    assert err.strip() in ("", "isim: interrupted")
    assert state(tmp_path) == before


UNKNOWN = ["--policy", "dynamc", "--contention", "leftovr", "--slo", "foo=3ms"]
OF_UNKNOWN = ["policy dynamc", "contention model leftovr", "slo.foo"]
TAKEN = ["-o", "taken"]

SEVERAL = {
    "keys and names": (
        [*PROFILE, *TRACE, *UNKNOWN, "--sharing", "strms", "--concurrency", "0"],
        ["--sharing", "--concurrency", *OF_UNKNOWN],
    ),
    "keys, files and the folder": (
        ["--profile", "no.parquet", "--trace", "no2.parquet", "--policy", "dynamc", "--concurrency", "0", *TAKEN],
        ["--concurrency", "no.parquet", "no2.parquet", "policy dynamc", "taken"],
    ),
    "a file of experiments": (
        ["wrong.toml"],
        ["wrong.toml: sharing", "wrong.toml: concurrency", *OF_UNKNOWN],
    ),
    "a table that is none": (
        ["number-arrivals.toml", "--rate", "5rps", "--policy", "dynamc", "--concurrency", "0"],
        ["number-arrivals.toml: arrivals", "--concurrency", "policy dynamc"],
    ),
    "a process": (
        [*PROFILE, "--arrivals", "poison", "--rate", "5rps", "--concurrency", "0"],
        ["--concurrency", "arrival process poison"],
    ),
    "missing files": (
        ["--profile", "no.parquet", "--trace", "no2.parquet", *UNKNOWN],
        ["no2.parquet", "no.parquet", *OF_UNKNOWN[:2]],
    ),
    "a missing trace": ([*PROFILE, "--trace", "no.parquet", *UNKNOWN], ["no.parquet", *OF_UNKNOWN]),
    "names and the folder": ([*PROFILE, *TRACE, *UNKNOWN, *TAKEN], ["slo.foo", *OF_UNKNOWN[:2], "taken"]),
    "a missing trace and the folder": (
        [*PROFILE, "--trace", "no.parquet", "--predictor", "orcle", *TAKEN],
        ["no.parquet", "predictor orcle", "taken"],
    ),
}


@pytest.mark.parametrize("several", SEVERAL)
def test_all_that_is_wrong_is_said_at_once(inputs: Path, several: str) -> None:
    arguments, places = SEVERAL[several]
    before = state(inputs)
    ran = run(inputs, *(arguments if "-o" in arguments else [*arguments, *OUT]))
    of_flag = any(place.startswith("--") for place in places)
    assert (ran.returncode, ran.stdout) == (2 if of_flag else 1, "")
    said = ran.stderr.splitlines()
    assert [line.startswith(f"isim: {place}: ") for line, place in zip(said, places, strict=True)] == [True] * len(said)
    assert state(inputs) == before
