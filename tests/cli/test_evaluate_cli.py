"""`isim evaluate` and `isim list predictors` as a user types them."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from worlds import kernel, profile_of

from isim.cli import main
from isim.profiler.colocation import Recording

PREDICTORS = """
class Wild:
    def predict(self, target, co_runners, so_far=()):
        return 1.0 / len(co_runners), 0.0

    def learn(self, observation):
        pass
"""


def isim(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "isim", *arguments], capture_output=True, text=True, cwd=cwd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, two recordings, profiles and a predictor that divides by zero."""
    path = tmp_path_factory.mktemp("evaluate")
    sizes = {(model, size): [kernel(10**6 * size * (1 + (model == "b")))] for model in "ab" for size in (1, 4)}
    profile = profile_of(sizes)
    profile.write(path / "p.parquet")
    profile_of({("c", 1): [kernel(5)]}).write(path / "other.parquet")
    done = isim(
        *("run", "--profile", "p.parquet", "--rate", "400rps", "--duration", "2s", "--contention", "fair"),
        *("--policy", "greedy", "-o", "out"), cwd=path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, modes in (("c", ("mps",)), ("two", ("mps", "time-slicing"))):
        rows = [
            {
                "experiment": number, "sharing": mode, "statistic": "mean", "member": place, "model": model,
                "batch_size": 1, "sm_share": 1.0, "start_ns": 0, "counted": True,
                "finish_ns": round(10**6 * (1 + 0.1 * number)), "solo_ns": 10**6,
            }
            for number, (mode, pair) in enumerate((mode, pair) for mode in modes for pair in ("aa", "ab", "bb"))
            for place, model in enumerate(pair)
        ]  # fmt: skip
        Recording.from_table(pa.Table.from_pylist(rows), {"origin": "imported"}).write(path / f"{name}.parquet")
    (path / "mine.py").write_text(PREDICTORS)
    (path / "taken.svg").write_text("mine")
    (path / "junk").mkdir()
    return path


def test_a_run(folder: Path) -> None:
    arguments = ("evaluate", "out", "--predictor", "none", "--predictor", "mean", "--plot", "e.svg")
    done = isim(*arguments, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["source"]["origin"] == "analytic"
    assert [(each["predictor"], each["moment"]) for each in found["results"]] == [
        ("none", "dispatch"), ("mean", "dispatch"), ("none", "hindsight"), ("mean", "hindsight"),
    ]  # fmt: skip
    none, mean = found["results"][:2]
    slowdown = found["source"]
    assert none["batches"] == slowdown["batches"] > 100
    # None is off by the mean of what is above 1: MSE = variance + (mean - 1)^2.
    assert none["mse"] == pytest.approx(slowdown["slowdown_variance"] + (slowdown["slowdown_mean"] - 1) ** 2)
    assert mean["minus_first"]["mse"]["high"] < 0
    assert {"predict_us_p50", "learn_us_p50", "mae_s", "recovery"} <= mean.keys()
    root = ElementTree.fromstring((folder / "e.svg").read_text())
    assert len(root.findall(".//{http://www.w3.org/2000/svg}polyline")) == 8  # two predictors, two curves, two moments

    again = isim(*arguments, cwd=folder)
    assert again.returncode == 1
    assert "e.svg: exists already" in again.stderr
    table = isim(*arguments, "-f", cwd=folder)
    assert table.returncode == 0
    assert "Asked with hindsight" in table.stdout
    assert "wrote e.svg" in table.stderr


def test_same_figures_again(folder: Path) -> None:
    def figures() -> list[object]:
        done = isim("evaluate", "out", "--predictor", "mean", "--split", "random", "--json", cwd=folder)
        return [
            {key: value for key, value in each.items() if "_us_" not in key}
            for each in json.loads(done.stdout)["results"]
        ]

    assert figures() == figures()


def test_the_truth_run_forward_is_right_in_hindsight(folder: Path) -> None:
    done = isim(
        *("evaluate", "out", "--predictor", "none", "--predictor", "look-ahead:contention=fair", "--json"), cwd=folder
    )
    assert done.returncode == 0, done.stderr
    ahead = json.loads(done.stdout)["results"][3]
    assert ahead["moment"] == "hindsight"
    assert ahead["mse_over_first"]["high"] < 0.1  # not 0: the phase of who was there at dispatch is not told


def test_recordings_split_and_trained_on(folder: Path) -> None:
    done = isim("evaluate", "c.parquet", "--predictor", "mean", "--split", "pair", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    frozen = json.loads(done.stdout)["results"][0]
    # Slowdowns 1, 1.1 and 1.2 of three pairs, each predicted by the mean of the other two.
    assert frozen["learning"] == "frozen"
    assert frozen["mae"] == pytest.approx((0.15 + 0.0 + 0.15) / 3)
    done = isim(
        *("evaluate", "two.parquet", "--sharing", "time-slicing", "--predictor", "mean", "--train", "c.parquet"),
        "--json", cwd=folder,
    )  # fmt: skip
    assert "no mix under sharing 'time-slicing'" in done.stderr  # modes are never pooled, nor trained across
    done = isim(
        *("evaluate", "two.parquet", "--sharing", "mps", "--predictor", "mean", "--train", "c.parquet"), cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert "trained on  6 of c.parquet (imported)" in done.stdout


def test_a_run_with_a_predictor(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        f'profile = "{folder / "p.parquet"}"\npredictor = "mean"\n[arrivals]\nrate = "400rps"\nduration = "1s"\n'
    )
    done = isim("run", "e.toml", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "predictor   mean" in done.stdout
    assert (tmp_path / "out" / "predictions.parquet").is_file()
    done = isim("run", "e.toml", "--predictor", "oracle", "-o", "out", "-f", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["predictor"] == {"name": "Oracle", "parameters": {}}
    done = isim("evaluate", "out", "--predictor", "mean", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("predictor", "sentence"),
    [
        ("maen", "predictor maen: unknown"),
        ("constant:slowdown=0.5", "slowdown is out of range (found 0.5)"),
        ("constant:slow=2", "predictor constant: no parameter"),
        ("look-ahead:contention=fiar", "did you mean fair"),
        ("look-ahead:contention=no.toml", "no.toml: no such file"),
        ("mine.py:Wild", "predictor mine.py:Wild: predict raised ZeroDivisionError"),
        ("mine.py:Tame", "no class 'Tame'"),
    ],
)
def test_a_run_with_a_wrong_predictor(
    folder: Path, predictor: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    arguments = ["run", "--profile", "p.parquet", "--rate", "400rps", "--duration", "1s", "--predictor", predictor]
    monkeypatch.setattr(sys, "argv", ["isim", *arguments, "-o", "wrong"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert sentence in said.err
    assert not (folder / "wrong").exists()


def test_list_predictors(folder: Path) -> None:
    done = isim("list", "predictors", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert {"none", "constant", "mean", "look-ahead", "oracle"} <= {each["name"] for each in json.loads(done.stdout)}


ASK = ("--predictor", "mean")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("out",), 2, "no --predictor; name at least one"),
        (("out", "--predictor", "maen"), 1, "predictor maen: unknown"),
        (("out", *ASK, *ASK), 1, "predictor mean: named twice"),
        (("out", "--predictor", "mine.py:Wild"), 1, "predictor mine.py:Wild: predict raised ZeroDivisionError"),
        (("out", "--predictor", "oracle"), 1, "predictor oracle: no simulation runs"),
        (("out", *ASK, "--split", "concurrency"), 1, "out: cannot be split by concurrency"),
        (("out", *ASK, "--split", "time", "--train", "out"), 2, "--split and --train both say"),
        (("out", *ASK, "--train-profile", "p.parquet"), 2, "--train-profile says nothing without --train"),
        (("out", *ASK, "--sharing", "mps"), 1, "out: a run has one sharing mode"),
        (("out", *ASK, "--profile", "other.parquet"), 1, "other.parquet: not the profile that out was"),
        (("junk", *ASK), 1, "junk: not a run folder (no run.json)"),
        (("no.parquet", *ASK), 1, "no.parquet: no such file"),
        (("p.parquet", *ASK), 1, "p.parquet: not a co-location recording"),
        (("two.parquet", *ASK), 1, "two.parquet: several sharing modes (found mps, time-slicing)"),
        (("c.parquet", *ASK, "--profile", "other.parquet"), 1, "a member that the profile does not hold"),
        (("c.parquet", "--predictor", "look-ahead"), 1, "predictor look-ahead: knows no kernels"),
        (("c.parquet", "--predictor", "linear"), 1, "predictor linear: sm, l2, dram of a at batch size 1 was not"),
        (("out", *ASK, "--plot", "taken.svg"), 1, "taken.svg: exists already"),
        (
            ("out", *ASK, "--plot", "a.png"),
            2,
            "--plot: what is drawn is SVG (found 'a.png'); choose a name that ends in .svg",
        ),
        (("out", *ASK, "--plot", "no/where.svg"), 1, "no/where.svg: cannot be written"),
        (("out", *ASK, "--seed", "-1"), 2, "--seed"),
    ],
)
def test_bad_input(
    folder: Path, arguments: tuple[str, ...], code: int, sentence: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    before = sorted(folder.iterdir())
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["isim", "evaluate", *arguments])
    with pytest.raises(SystemExit) as ended:  # any other exception would be a traceback
        main()
    said = capsys.readouterr()
    assert ended.value.code == code, said.err
    assert sentence in said.err
    assert not said.out
    assert sorted(folder.iterdir()) == before
    assert (folder / "taken.svg").read_text() == "mine"
