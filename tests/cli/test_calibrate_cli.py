"""`isim calibrate`, `isim validate` and `isim run --contention FILE` as a user types them."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pyarrow as pa
import pytest
from own_contention import HEAD, speeds
from worlds import kernel, profile_of

from isim.calibrate import predict
from isim.calibration.mixes import Mix
from isim.calibration.replay import Process
from isim.contention.leftover import Leftover
from isim.profiler.colocation import Recording

PROFILE = profile_of(
    {
        ("a", 1): [kernel(200_000, gap_ns=100_000, sm=0.7, dram=0.2)] * 2,
        ("b", 2): [kernel(900_000, sm=0.9, dram=0.1)],
        ("c", 1): [kernel(300_000, gap_ns=600_000, sm=0.4, dram=0.8)],
    }
)
PROCESSES = [Process("a", 1), Process("b", 2), Process("c", 1)]
PAIRS = [(p, q) for i, p in enumerate(PROCESSES) for q in PROCESSES[i:]]


def isim(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "isim", *arguments], capture_output=True, text=True, cwd=cwd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile, and a recording of all pairs under leftover:kappa=0.9,beta=0.1."""
    path = tmp_path_factory.mktemp("calibrate")
    PROFILE.write(path / "p.parquet")
    mixes = [Mix(i, pair, (1.0, 1.0)) for i, pair in enumerate(PAIRS)]
    slowdowns = predict(PROFILE, mixes, Leftover(kappa=0.9, beta=0.1), phases=4)
    members = [(mix.experiment, place, process) for mix in mixes for place, process in enumerate(mix.processes)]
    table = pa.table(
        {
            "experiment": [experiment for experiment, _, _ in members],
            "sharing": ["streams"] * len(members),
            "statistic": ["mean"] * len(members),
            "member": [place for _, place, _ in members],
            "model": [process.model for *_, process in members],
            "batch_size": [process.batch_size for *_, process in members],
            "sm_share": [1.0] * len(members),
            "start_ns": [0] * len(members),
            "finish_ns": [round(1e9 * slowdown) for slowdown in slowdowns],
            "solo_ns": [10**9] * len(members),
            "counted": [True] * len(members),
        }
    )
    Recording.from_table(table, {"origin": "imported"}).write(path / "c.parquet")
    return path


INPUTS = ("--profile", "p.parquet", "--recording", "c.parquet")


def test_fitted_validated_and_run(folder: Path) -> None:
    done = isim("calibrate", *INPUTS, "--model", "none", "--model", "leftover", "-o", "fit.toml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["best"] == "leftover"
    assert found["models"]["leftover"]["parameters"] == {"kappa": 0.9, "beta": 0.1}
    assert found["models"]["leftover"]["errors"]["pair"]["mape"] < 1e-6
    assert found["models"]["none"]["errors"]["pair"]["mape"] > 0.1
    assert tomllib.loads((folder / "fit.toml").read_text())["parameters"] == {"kappa": 0.9, "beta": 0.1}

    best = "leftover, the least error on pairs left out"
    assert f"isim: wrote fit.toml ({best}); use it with --contention fit.toml\n" in done.stderr
    unkept = isim("calibrate", *INPUTS, "--model", "none", "--model", "leftover", cwd=folder)
    assert f"isim: best is {best}; keep it with -o FILE.toml, " in unkept.stderr

    again = isim("calibrate", *INPUTS, "--model", "none", "-o", "fit.toml", cwd=folder)
    assert again.returncode == 1
    assert "fit.toml: exists already" in again.stderr

    done = isim("validate", *INPUTS, "--contention", "fit.toml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["mape"] < 0.02  # other initial phases than the recording's

    assert "fitted under" not in done.stderr
    (folder / "mps.toml").write_text((folder / "fit.toml").read_text().replace('"streams"', '"mps"'))
    done = isim("validate", *INPUTS, "--contention", "mps.toml", cwd=folder)
    assert "isim: contention mps.toml: fitted under sharing mps, used under streams; fit it with " in done.stderr

    done = isim("validate", *INPUTS, "--contention", "none", "--fail-if", "mape > 0.1", cwd=folder)
    assert done.returncode == 3
    assert "total" in done.stdout
    assert "mape > 0.1 (found 0." in done.stderr

    arguments = ("--models", "a=1,c=1", "--rate", "200rps", "--duration", "1s", "--contention", "fit.toml", "-o", "run")
    done = isim("run", "--profile", "p.parquet", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "contention  fit.toml (fitted to 6 measured mixes, sharing streams)" in done.stdout
    assert json.loads((folder / "run/run.json").read_text())["contention"]["calibrated"] is True


OWN = HEAD + (
    "\n\n@njit(SPEEDS)\ndef _own(running, count, demand, parameters, speed):\n    for k in range(count):\n"
    "        speed[k] = 1.0 / (1.0 + parameters[0] * (count - 1))\n\n"
    "class Mine(Base):\n    name = 'mine'\n    search = {'pull': (0.0, 0.5, 1.0)}\n"
    "    speeds = staticmethod(_own)\n\n"
    "    def __init__(self, pull: float = 0.5) -> None:\n        self.pull = pull\n\n"
    "    @property\n    def parameters(self):\n        return np.array([self.pull])\n"
)


def test_a_model_of_one_s_own_is_fitted_validated_and_run(folder: Path, tmp_path: Path) -> None:
    for name in ("p.parquet", "c.parquet"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "own.py").write_text(OWN)
    models = ("--model", "own.py:Mine", "--model", "none")
    done = isim("calibrate", *INPUTS, *models, "-o", "fit.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["best"] == "own.py:Mine"
    assert found["models"]["own.py:Mine"]["parameters"]["pull"] > 0
    content = tomllib.loads((tmp_path / "fit.toml").read_text())
    assert content["name"] == "own.py:Mine"

    done = isim("validate", *INPUTS, "--contention", "fit.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    fitted = found["models"]["own.py:Mine"]["errors"]["fit"]["mape"]
    assert json.loads(done.stdout)["mape"] == pytest.approx(fitted, abs=0.02)
    arguments = ("--models", "a=1,c=1", "--rate", "200rps", "--duration", "1s", "--contention", "fit.toml", "-o", "run")
    done = isim("run", "--profile", "p.parquet", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    (tmp_path / "own.py").write_text(OWN.replace("count - 1", "count - 1.0"))
    done = isim("validate", *INPUTS, "--contention", "fit.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert "fit.toml: own.py is not what was fitted; calibrate it anew" in done.stderr


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (speeds("speed[k] = 2.0"), "contention own.py:Mine: speed 2, where more than 0 and at most 1 is due,"),
        ("class Mine:\n    pass\n", "contention own.py:Mine: no speeds, parameters, demand"),
        (
            OWN.replace("{'pull': (0.0, 0.5, 1.0)}", "{'push': (0.5,)}"),
            "contention model own.py:Mine: no parameter push",
        ),
        (
            OWN.replace("(0.0, 0.5, 1.0)", "(0.0, -2.0)"),
            "contention own.py:Mine: search does not hold the default pull 0.5",
        ),
        (OWN.replace("(0.0, 0.5, 1.0)", "(0.5, -2.0)"), "contention own.py:Mine:pull=-2.0: speed"),
        (OWN.replace("(0.0, 0.5, 1.0)", "0.5"), "contention own.py:Mine: search is no mapping of parameters to values"),
    ],
)
def test_a_model_that_cannot_be_fitted_is_refused(folder: Path, tmp_path: Path, code: str, sentence: str) -> None:
    for name in ("p.parquet", "c.parquet"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "own.py").write_text(code if code.startswith("\nimport") else HEAD + code)
    done = isim("calibrate", *INPUTS, "--model", "own.py:Mine", "-o", "fit.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "fit.toml").exists()


def test_speeds_that_are_none_are_refused_when_validated(folder: Path, tmp_path: Path) -> None:
    for name in ("p.parquet", "c.parquet"):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "own.py").write_text(HEAD + speeds("speed[k] = -1.0 if count > 1 else 1.0"))
    done = isim("validate", *INPUTS, "--contention", "own.py:Mine", cwd=tmp_path)
    assert done.returncode == 1
    assert "contention own.py:Mine: speed -1, where more than 0 and at most 1 is due," in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            ("calibrate", *INPUTS, "--model", "leftover:kappa=1"),
            1,
            "contention leftover:kappa=1: its parameters are fit",
        ),
        (("calibrate", *INPUTS, "--sharing", "mps"), 1, "no experiment that can be replayed under sharing 'mps'"),
        (("calibrate", *INPUTS, "--model", "leftovers"), 1, "did you mean leftover"),
        (("calibrate", "--profile", "p.parquet", "--recording", "p.parquet"), 1, "not a co-location recording"),
        (("validate", *INPUTS, "--contention", "none.toml"), 1, "none.toml: no such file"),
        (("validate", *INPUTS, "--contention", "none", "--fail-if", "mape"), 2, "not a condition (found 'mape')"),
        (("validate", *INPUTS, "--contention", "none", "--fail-if", "mpae > 1"), 2, "no such figure (found 'mpae')"),
    ],
)
def test_bad_input(folder: Path, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    done = isim(*arguments, cwd=folder)
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
