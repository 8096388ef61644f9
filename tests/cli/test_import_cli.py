"""`isim import profile FORMAT` and `isim import recording` as a user runs them on what profilers wrote."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isim.profiler.colocation import Recording
from isim.profiler.profile import Profile
from isim.profiler.telemetry import Telemetry

NCU = '"ID","Process ID","Kernel Name","Block Size","Grid Size",{}\n'


def isim(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "isim", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr
    return done


def imported(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return isim(folder, "import", "profile", *arguments, "-o", "p.parquet")


def kernel(name: str, start_us: float, length_us: float, **args: Any) -> dict[str, Any]:
    facts = {"device": 0, "stream": 7, "grid": [80, 1, 1], "block": [256, 1, 1], **args}
    return {
        "ph": "X",
        "cat": "kernel",
        "name": name,
        "pid": 0,
        "tid": 7,
        "ts": start_us,
        "dur": length_us,
        "args": facts,
    }


def write_trace(folder: Path, name: str, *events: dict[str, Any]) -> None:
    (folder / name).write_bytes(gzip.compress(json.dumps({"schemaVersion": 1, "traceEvents": events}).encode()))


def write_counters(folder: Path, name: str, *lines: tuple[str, str]) -> None:
    text = NCU.format('"dram__throughput.avg.pct_of_peak_sustained_elapsed"') + '"","","","","","%"\n'
    for i, (kernel_name, dram) in enumerate(lines):
        text += f'"{i}","9","{kernel_name}","(256, 1, 1)","(80, 1, 1)","{dram}"\n'
    (folder / name).write_text(f"==PROF== Connected to process 9\n{text}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two traces of two batches each, counters of one of them, and a log."""
    write_trace(
        tmp_path,
        "b8.json.gz",
        *(kernel(n, t, d) for n, t, d in [("g", 10, 5), ("h", 16, 2), ("g", 30, 7), ("h", 40, 2)]),
    )
    write_trace(tmp_path, "b16.json.gz", *(kernel(n, t, d) for n, t, d in [("g", 10, 9), ("h", 20, 4)]))
    (tmp_path / "plain").write_text("")
    write_counters(tmp_path, "counters.csv", ("void g<int>(int)", "31.28"), ("k(int)", "5"))
    (tmp_path / "log.csv").write_text(
        "timestamp, power.draw [W], clocks_event_reasons.active\n"
        "2023/07/14 13:34:38.100, 70.5 W, 0x0000000000000001\n2023/07/14 13:34:38.150, 700 W, 0x0000000000000004\n"
    )
    return tmp_path


@pytest.mark.parametrize("form", [("kineto",), ("auto",), ()], ids=["named", "auto", "unnamed"])
def test_several_files_become_one_profile(folder: Path, form: tuple[str, ...]) -> None:
    done = imported(folder, *form, "bert@8=b8.json.gz", "bert@16=b16.json.gz", "--cut", "kernel=g", "--device", "T4")
    assert done.returncode == 0, done.stderr
    profile = Profile.read(folder / "p.parquet")
    assert profile.operations("bert", 8)["duration_ns"].to_pylist() == [6000, 2000]
    assert profile.operations("bert", 8)["samples"].to_pylist() == [2, 2]
    assert profile.operations("bert", 16)["gap_ns"].to_pylist() == [0, 1000]
    assert (profile.origin, profile.footer["backend"], profile.footer["device"]) == (
        "imported",
        "kineto",
        {"name": "T4"},
    )
    first = profile.footer["sources"][0]
    assert (first["file"], first["cut"], len(first["sha256"])) == ("b8.json.gz", "kernel=g", 64)
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:]] == [["bert", "8", "2"], ["bert", "16", "2"]]
    assert "the time between batches (median 12.0 us) is in no batch" in done.stderr


def test_options_may_come_first_where_no_format_is_named(folder: Path) -> None:
    done = isim(folder, "import", "profile", "-o", "p.parquet", "--cut", "whole", "bert@8=b8.json.gz")
    assert done.returncode == 0, done.stderr
    assert Profile.read(folder / "p.parquet").footer["backend"] == "kineto"
    assert "[FORMAT]" in isim(folder, "import", "profile", "--help").stdout


def test_the_cut_may_name_model_and_batch(folder: Path) -> None:
    done = imported(folder, "kineto", "h@1=b8.json.gz", "g@8=b8.json.gz", "--cut", "kernel={model}", "--skip", "1")
    assert done.returncode == 0, done.stderr
    profile = Profile.read(folder / "p.parquet")
    assert profile.operations("g", 8)["name"].to_pylist() == ["g", "h"]
    assert profile.operations("h", 1)["name"].to_pylist() == ["h"]


def test_counters_come_to_the_durations_of_a_timeline(folder: Path) -> None:
    said = ("--cut", "whole", "--counters", "bert@16=counters.csv")
    done = imported(folder, "kineto", "bert@16=b16.json.gz", *said, "--json")
    assert done.returncode == 0, done.stderr
    profile = Profile.read(folder / "p.parquet")
    assert profile.table["dram"].to_pylist() == [0.3128, None]
    counters = profile.footer["sources"][0]["counters"]
    assert (counters["file"], counters["matched"]) == ("counters.csv", 1)
    assert (counters["without_counters"], counters["unused_counters"]) == ({"h": 1}, {"k": 1})
    assert "1 of 2 kernels have counters (without: h); 1 counted kernels belong to none" in done.stderr
    assert json.loads(done.stdout)["batches"][0]["kernels"] == 2


def test_counters_of_another_model_are_refused(folder: Path) -> None:
    write_counters(folder, "counters.csv", ("k(int)", "5"))
    done = imported(folder, "kineto", "bert@16=b16.json.gz", "--cut", "whole", "--counters", "bert@16=counters.csv")
    assert done.returncode == 1
    assert "none of its 2 kernels is among the 1 of counters.csv" in done.stderr
    assert not (folder / "p.parquet").exists()


def test_a_log_becomes_telemetry(folder: Path) -> None:
    done = isim(folder, "import", "profile", "nvidia-smi", "log.csv", "-o", "t.parquet", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["throttle_reasons"] == {"gpu_idle": 1, "sw_power_cap": 1}
    assert Telemetry.read(folder / "t.parquet").throttle_reasons.tolist() == [1, 4]
    assert "sm_clock_mhz was not logged and is null" in done.stderr
    again = isim(folder, "import", "profile", "nvidia-smi", "log.csv", "-o", "t.parquet")
    assert (again.returncode, "t.parquet: exists already" in again.stderr) == (1, True)
    lines = isim(folder, "import", "profile", "nvidia-smi", "log.csv", "-o", "t.parquet", "-f").stdout.splitlines()
    assert lines == [
        "gpu_idle: 1 of 2 samples",
        "sw_power_cap: 1 of 2 samples",
        "power_w: lowest 70.5, median 385.25, highest 700",
    ]


def test_a_timeline_becomes_a_recording(folder: Path) -> None:
    events = [kernel("g", 0.5, 10), kernel("g", 20, 15), kernel("c", 20, 20, stream=9)]
    write_trace(folder, "both.json.gz", *events)
    members = ("--member", "a@1=stream=7,kernel=g", "--member", "b@2=stream=9,whole", "--sharing", "streams")
    done = isim(folder, "import", "recording", "kineto", "both.json.gz", *members, "-o", "c.parquet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "two or more streams ran kernels in 50.0% of the busy time",
        "        15.0 us       1 times  c || g",
    ]
    rows = Recording.read(folder / "c.parquet").table.to_pylist()
    assert [(row["experiment"], row["model"], row["slowdown"]) for row in rows] == [
        (0, "a", 1.5),
        (0, "b", None),
        (1, "a", 1.0),
    ]
    as_json = isim(folder, "import", "recording", "kineto", "both.json.gz", *members, "-o", "c.parquet", "-f", "--json")
    assert json.loads(as_json.stdout)["kernel_overlaps"] == [
        {"first": "c", "second": "g", "times": 1, "overlap_ns": 15000}
    ]


def test_all_problems_come_at_once_and_nothing_is_written(folder: Path) -> None:
    (folder / "cut_off.json.gz").write_bytes((folder / "b8.json.gz").read_bytes()[:60])
    (folder / "empty.csv").write_text("")
    files = ("a@1=cut_off.json.gz", "a@2=none.json", "a@4=empty.csv", "a@8=log.csv")
    done = imported(folder, "auto", *files, "--cut", "whole")
    assert done.returncode == 1
    (cut_off, missing, empty, log) = done.stderr.splitlines()
    assert cut_off.startswith("isim: cut_off.json.gz: ")
    assert missing == "isim: none.json: no such file; name what the profiler wrote"
    assert empty.startswith("isim: empty.csv: of no known format (found nothing; known: nsys, kineto, ")
    assert log == "isim: log.csv: holds no kernels; import it with 'isim import profile nvidia-smi FILE'"
    assert not (folder / "p.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("kineto", "bert@8=b8.json.gz"), 1, "does not say what of it is one batch; state it with --cut"),
        (("kineto", "b8.json.gz", "--cut", "whole"), 2, "says not whose batch it holds"),
        (("kineto", "bert@8=b8.json.gz", "--cut", "half"), 2, "not a way to cut a file into batches (found 'half')"),
        (("kineto", "bert@8=b8.json.gz@5ms", "--cut", "whole"), 1, "kineto takes no solo period"),
        (("kineto", "bert@8=b8.json.gz", "--cut", "whole", "--counters", "a@8=x.csv"), 2, "belongs to no batch"),
        (("nsys", "bert@8=b8.json.gz", "--cut", "whole"), 1, "not an SQLite export of nsys"),
        (("ncu", "bert@8=counters.csv", "--cut", "whole"), 1, "no duration of 2 of 2 kernels"),
        (("trtexec", "bert@8=b8.json.gz"), 1, "not the layers of an engine"),
        (("onnxruntime", "bert@8=b8.json.gz"), 1, "not a profile of ONNX Runtime"),
        (
            ("auto", "bert@8=b8.json.gz", "bert@8=b8.json.gz", "--cut", "whole"),
            1,
            "bert at batch size 8 is given 2 times",
        ),
        (("nvidia-smi", "b8.json.gz"), 1, "not a log of nvidia-smi"),
        (("perf", "bert@8=b8.json.gz"), 2, "No such command 'perf'"),
        (("kinetto", "bert@8=b8.json.gz", "--cut", "whole"), 2, "No such command 'kinetto'. Did you mean 'kineto'?"),
        (("bert@8=none.csv",), 1, "none.csv: no such file; name what the profiler wrote"),
        (("bert@8=log.csv",), 1, "log.csv: holds no kernels; import it with 'isim import profile nvidia-smi FILE'"),
        (("b8.json.gz",), 2, "says not whose batch it holds (found 'b8.json.gz'); write MODEL@BATCH=FILE"),
        (("plain",), 2, "such as bert@8=plain"),
        (("bert@8",), 2, "not a batch's table (found 'bert@8')"),
    ],
)
def test_mistakes_end_in_a_sentence(folder: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = imported(folder, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert not (folder / "p.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--member", "a@1=whole"), 1, "state at least two with --member"),
        (("--member", "a@1=half", "--member", "b@1=whole"), 2, "not a way to cut a file"),
        (("--member", "a=whole", "--member", "b@1=whole"), 2, "not a member (found 'a=whole')"),
        (("--member", "a@1=kernel=g", "--member", "b@1=kernel=x"), 1, "no kernel is called 'x'"),
    ],
)
def test_recordings_that_cannot_be(folder: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = isim(
        folder, "import", "recording", "kineto", "b8.json.gz", *arguments, "--sharing", "streams", "-o", "c.parquet"
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert not (folder / "c.parquet").exists()


QUIET = {
    "profile": ("profile", "bert@8=b8.json.gz", "--cut", "kernel=g"),
    "telemetry": ("profile", "nvidia-smi", "log.csv"),
    "kernels": ("profile", "kernel-table", "a@1=k.csv@1ms", "--columns", "name=n,duration=t", "--duration-unit", "us"),
    "timeline": (
        *("recording", "kineto", "b8.json.gz", "--sharing", "streams"),
        *("--member", "a@1=kernel=g", "--member", "b@1=kernel=h"),
    ),
    "recording": (
        *("recording", "csv", "c.csv", "--sharing", "mps", "--duration-unit", "ms"),
        *("--columns", "experiment=e,model=m,batch_size=b,duration=d"),
    ),
}


@pytest.mark.parametrize("what", QUIET)
def test_quiet_says_nothing_beside_the_answer(folder: Path, what: str) -> None:
    (folder / "k.csv").write_text("n,t\ng,70\n")
    (folder / "c.csv").write_text("e,m,b,d\n1,x,8,10\n2,y,8,20\n3,x,8,15\n3,y,8,25\n")
    loud = isim(folder, "import", *QUIET[what], "-o", "p.parquet")
    assert (loud.returncode, "wrote p.parquet" in loud.stderr) == (0, True), loud.stderr
    quiet = isim(folder, "import", *QUIET[what], "-o", "p.parquet", "-q", "-f")
    assert (quiet.returncode, quiet.stderr, quiet.stdout) == (0, "", loud.stdout)
