"""`isim import recording` as a user runs it: another process, its output and its exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from isim.profiler.colocation import Recording

RUNS = "run,net,n,rate\n1,a,4,200\n2,b,1,50\n3,a,4,100\n3,b,1,20\n4,a,4,300\n4,b,1,40\n"
STATED = ("--columns", "experiment=run,model=net,batch_size=n,throughput=rate", "--throughput-unit", "samples/s")


def isim(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "isim", "import", "recording", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_a_table_with_named_columns(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(RUNS)
    facts = ("--device", "T4", "--source", "our lab", "--licence", "CC0-1.0")
    done = isim(tmp_path, "csv", "runs.csv", *STATED, "--sharing", "mps", *facts, "-o", "c.parquet")
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["sharing", "statistic", "members", "experiments", "rows", "slowdowns", "min", "median", "max"],
        ["mps", "mean", "1", "2", "2", "2", "1.000", "1.000", "1.000"],
        ["mps", "mean", "2", "1", "2", "2", "2.000", "2.250", "2.500"],
    ]
    assert done.stderr.splitlines() == [
        "isim: csv: left out, faster beside others than alone: 1 (4)",
        "isim: wrote c.parquet (imported, 4 rows)",
    ]
    footer = Recording.read(tmp_path / "c.parquet").footer
    assert (footer["device"], footer["source"], footer["licence"]) == ({"name": "T4"}, "our lab", "CC0-1.0")
    assert footer["left_out"] == {"faster beside others than alone": ["4"]}

    again = isim(tmp_path, "csv", "runs.csv", *STATED, "--sharing", "mps", *facts, "-o", "again.parquet")
    assert again.returncode == 0
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "c.parquet").read_bytes()


def test_json_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(RUNS)
    done = isim(tmp_path, "csv", "runs.csv", *STATED, "--sharing", "mps", "-o", "c.parquet", "--noise", "1", "--json")
    answer = json.loads(done.stdout)
    assert answer["origin"] == "imported"
    assert answer["notes"] == []
    alone, pairs = answer["experiments"]
    assert (alone["members"], alone["slowdowns"]) == (1, 2)
    # 200/100 and 50/20, and at this noise also 200/300 and 50/40.
    assert pairs["min"] == pytest.approx(2 / 3, rel=1e-6)
    assert (pairs["experiments"], pairs["max"]) == (2, pytest.approx(2.5))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("csv", "runs.csv", *STATED, "-o", "c.parquet"), 1, "csv: state the sharing mode"),
        (("csv", "runs.csv", "--columns", "model", "--sharing", "mps", "-o", "c.parquet"), 2, "cannot read 'model'"),
        (("csv", "none.csv", *STATED, "--sharing", "mps", "-o", "c.parquet"), 1, "none.csv: no such file"),
        (("kace", "runs.csv", "-o", "c.parquet"), 1, "runs.csv: no throughputs in a known form"),
        (("igniter", "runs.csv", "-o", "c.parquet"), 1, "runs.csv: no latencies alone or beside others"),
        (("gpulet", "runs.csv", "-o", "c.parquet"), 1, "runs.csv: no throughputs alone or of victims"),
        (("abacus", "runs.csv", "-o", "c.parquet"), 1, "runs.csv: no layer ranges"),
        (("echo-slowdown", "runs.csv", "-o", "c.parquet"), 1, "runs.csv: no column 'id'"),
        (("gpgpusim", "runs.csv", "-o", "c.parquet"), 2, "--clock-mhz"),
        (("gpgpusim", "runs.csv", "--clock-mhz", "900", "-o", "c.parquet"), 1, "runs.csv: its name does not say GPU"),
        (("kace", "runs.csv", "--profile", "runs.csv", "-o", "c.parquet"), 1, "runs.csv: not a readable Parquet file"),
        (("kace", "-o", "c.parquet"), 2, "FILES"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "runs.csv").write_text(RUNS)
    done = isim(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"]


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(RUNS)
    (tmp_path / "c.parquet").write_text("precious")
    arguments = ("csv", "runs.csv", *STATED, "--sharing", "mps", "-o", "c.parquet")
    refused = isim(tmp_path, *arguments)
    assert (refused.returncode, (tmp_path / "c.parquet").read_text()) == (1, "precious")
    assert "c.parquet: exists already" in refused.stderr
    assert isim(tmp_path, *arguments, "--force").returncode == 0
    assert len(Recording.read(tmp_path / "c.parquet").table) == 4


@pytest.mark.parametrize(
    ("arguments", "rows", "origin"),
    [
        (("kace", "v100-kace/pairs.csv", "v100-kace/solo_throughput_vs_mps.csv"), 390 + 2 * 1136, "imported"),
        (("kace", "v100-kace/labelled_pairs.csv", "v100-kace/solo_throughput_vs_mps.csv"), 390 + 2 * 181, "imported"),
        (("igniter", "v100-igniter/solo.csv", "v100-igniter/pairs.csv"), 648 + 2 * 500, "imported"),
        (("gpulet", "a100-gpulet/solo.csv", "a100-gpulet/pairs.csv"), 420 + 2 * 2695, "imported"),
        (("abacus", "a100-abacus/pairs/resnet50_vgg19.csv"), 68 + 2 * 16, "imported"),
        (("echo-slowdown", "a100-echo-slowdown/kernels_overlapped_with_nccl.csv"), 215 + 2 * 403, "imported"),
        (
            ("gpgpusim", "simulated-gpgpusim/SM75_RTX2060_60blocks_mc.txt", "--clock-mhz", "1365"),
            2,
            "simulated",
        ),
    ],
)
def test_one_command_a_set(
    tmp_path: Path, shared_data: Path, arguments: tuple[str, ...], rows: int, origin: str
) -> None:
    command, *rest = [str(shared_data / "gpu" / one) if "/" in one else one for one in arguments]
    done = isim(tmp_path, command, *rest, "-o", "c.parquet")
    assert done.returncode == 0, done.stderr
    recording = Recording.read(tmp_path / "c.parquet")
    assert (len(recording.table), recording.footer["origin"]) == (rows, origin)
    assert all(file["sha256"] for file in recording.footer["files"])
