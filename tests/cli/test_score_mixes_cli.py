"""Three and four members in a file with the columns of `pairs.csv`: the commands of docs/validate-a-run.md."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from isim.calibrate import predict
from isim.calibration.mixes import Mix
from isim.calibration.replay import PHASES, Process
from isim.contention.leftover import Leftover
from isim.profiler.profile import Profile

KERNELS = {"a": [(400, 80), (300, 60)], "b": [(2000, 90)], "c": [(100, 40), (150, 70), (250, 95)]}  # us, per cent
SIZES = {"a": 2, "b": 8, "c": 2}
SOLO_S = {"a": 1e-3, "b": 2.2e-3, "c": 1.2e-3}
COLUMNS = [
    "campaign", "experiment", "sharing", "mps", "members", "position", "workload", "mps_percent",
    "throughput_colocated", "throughput_solo_kace", "throughput_solo_peace", "has_kernels",
]  # fmt: skip
MIXES = ["abc", "aab", "bcc", "abca", "bbcc"]


def isim(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "isim", *arguments], capture_output=True, text=True, cwd=cwd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile imported from kernel tables, and a table of what would be measured under leftover:kappa=1,beta=0."""
    path = tmp_path_factory.mktemp("mixes")
    for name, kernels in KERNELS.items():
        lines = [f"{name}{i},{us},{percent}" for i, (us, percent) in enumerate(kernels)]
        (path / f"{name}.csv").write_text("\n".join(["kernel,us,sm", *lines]) + "\n")
    batches = [f"{name}@{SIZES[name]}={name}.csv@{SOLO_S[name] * 1e3}ms" for name in KERNELS]
    mapping = ("--columns", "name=kernel,duration=us,sm=sm", "--duration-unit", "us", "--utilisation-unit", "percent")
    done = isim("import", "profile", "kernel-table", *batches, *mapping, "-o", "v100.parquet", cwd=path)
    assert done.returncode == 0, done.stderr
    mixes = [
        Mix(i, tuple(Process(name, SIZES[name]) for name in mix), (1.0,) * len(mix), "mps")
        for i, mix in enumerate(MIXES)
    ]
    profile = Profile.read(path / "v100.parquet")
    slowdowns = iter(predict(profile, mixes, Leftover(kappa=1.0, beta=0.0), PHASES))
    with (path / "triples.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for mix in MIXES:
            members = "|".join(f"{name}_batch{SIZES[name]}-inf" for name in mix)
            for place, name in enumerate(mix):
                alone = SIZES[name] / SOLO_S[name]
                row = ["0730", f"0730#{mix}", "mps", ":".join(["100"] * len(mix)), members, place]
                row += [f"{name}_batch{SIZES[name]}-inf", 100, alone / next(slowdowns), alone, "", True]
                writer.writerow(row)
    return path


def test_imported_and_scored(folder: Path) -> None:
    arguments = ("triples.csv", "--profile", "v100.parquet", "-o", "triples.parquet")
    done = isim("import", "recording", "kace", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    scored = ("validate", "--profile", "v100.parquet", "--recording", "triples.parquet", "--sharing", "mps")
    truth = ("--contention", "leftover:kappa=1.0,beta=0.0")
    done = isim(*scored, *truth, "--json", "--fail-if", "by_size.4.mape > 0.01", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {size: errors["n"] for size, errors in found["by_size"].items()} == {"3": 9, "4": 8}
    assert found["mape"] < 1e-6  # solo throughputs and slowdowns survive the way through both files
    done = isim(*scored, "--contention", "none", "--fail-if", "by_size.3.mape > 0.1", cwd=folder)
    assert done.returncode == 3
    assert "by_size.3.mape > 0.1 (found 0." in done.stderr
    assert "3 members" in done.stdout and "4 members" in done.stdout
    done = isim(*scored, "--contention", "none", "--fail-if", "by_size.5.mape > 0.1", cwd=folder)
    assert done.returncode == 2
    assert "no such figure (found 'by_size.5.mape')" in done.stderr
