"""A value of a flag that cannot be read is 2 in every command; what is wrong with what it names is 1."""

import sys
from pathlib import Path

import pytest
from worlds import kernel, profile_of

from isim.cli import main
from isim.experiment import Experiment
from isim.traces.trace import Trace

OUT = ("-o", "new")
MAKE = ("trace", "make", "poisson", "--rate", "5rps", "--duration", "1s", "--models", "a", *OUT)
UNREADABLE = [
    ("run", "--slo", "0ms"),
    ("run", "--concurrency", "0"),
    ("run", "--concurrency", "two"),
    ("run", "--seed", "-1"),
    ("run", "--gpus", "0"),
    ("run", "--sharing", "strms"),
    ("run", "--sharing", "streams:launch=5"),
    ("run", "--sharing", "strms", "--policy", "gredy"),
    ("run", "--clients", "a=2", "--samples", "0", "--duration", "1s"),
    ("run", "--clients", "a=2", "--duration", "1s", "--think-law", "odd"),
    ("run", "--trace", "t.parquet", "--duration", "5s"),
    ("run", "--trace", "t.parquet", "--models", "a"),
    ("compare", "--sharing", "strms", *OUT),
    ("compare", "--sharing", "strms", "--policy", "gredy", *OUT),
    ("compare", "--seeds", "0"),
    ("compare", "--concurrency", "{1,2}"),
    ("compare", "--contention", "constant:slowdown={1,2}"),
    ("compare", "--rate", "{100rps,200rps}"),
    ("compare", "--by", "speed"),
    ("compare", "--half-width", "5%"),
    ("compare", "--capacity", "latency_p99_s <= 10ms"),
    ("compare", "--capacity", "attainment >= 2"),
    ("compare", "--executor", "processes:0"),
    ("compare", "--fail-if", "speed > 1"),
    ("plan", "nexus", "--seed", "-1"),
    ("evaluate", "run", "--predictor", "mean", "--seed", "-1"),
    ("evaluate", "run", "--predictor", "mean", "--plot", "a.png"),
    ("calibrate", "--profile", "p.parquet", "--recording", "c.parquet", "--seed", "-1"),
    ("evaluate", "c.parquet", "--predictor", "mean", "--sharing", "strms"),
    ("calibrate", "--profile", "p.parquet", "--recording", "c.parquet", "--sharing", "strms"),
    ("validate", "--profile", "p.parquet", "--recording", "c.parquet", "--contention", "fair", "--sharing", "strms"),
    ("validate", "run", "t.parquet", "--fail-if", "mape > 10%"),
    ("profile", "resnet50", "--device", "analytic:L4", "--sequence-length", "0", *OUT),
    ("report", "run", "--timeline", "new", "--from", "5"),
    ("list", "speeds"),
    (*MAKE, "--seed", "-1"),
    ("trace", "scale", "t.parquet", "--method", "time", "--factor", "0", *OUT),
    ("trace", "scale", "t.parquet", "--method", "time", "--factor", "nan", *OUT),
    ("trace", "thin", "t.parquet", "--share", "2", *OUT),
    ("trace", "replicate", "t.parquet", "--factor", "0.5", "--jitter", "1s", *OUT),
    ("trace", "resample", "t.parquet", "--factor", "0", *OUT),
    ("trace", "expand", "t.parquet", "--factor", "inf", *OUT),
    ("trace", "map", "t.parquet", "--models", "a,b", "--zipf", "-1", *OUT),
    ("trace", "fit", "t.parquet", "--window", "0s", *OUT),
    ("trace", "show", "t.parquet", "--svg", "a.png"),
    ("import", "recording", "nsys", "none.csv", "--skip", "-1", *OUT),
]
UNUSABLE = [
    ("run", "none.toml"),
    ("run", "--policy", "gredy"),
    ("run", "--policy", "dynamic:max_batch=many"),
    ("run", "--arrivals", "poison"),
    ("run", "--slo", "vgg=5ms"),
    ("run", "strms.toml"),
    ("compare", "--policy", "gredy", *OUT),
    ("compare", "strms.toml", *OUT),
    ("plan", "nexus", "--trace", "none.csv"),
    ("evaluate", "run", "--predictor", "maen"),
    ("evaluate", "none", "--predictor", "mean"),
    ("calibrate", "--profile", "none.parquet", "--recording", "c.parquet"),
    ("validate", "run", "none.parquet"),
    ("profile", "resnot", "--device", "analytic:L4", *OUT),
    ("report", "none"),
    ("show", "none"),
    ("trace", "make", "poison", "--rate", "5rps", "--duration", "1s", "--models", "a", *OUT),
    ("trace", "scale", "none.parquet", "--method", "time", "--factor", "2", *OUT),
    ("trace", "replicate", "t.parquet", "--factor", "1e12", "--jitter", "1s", *OUT),
    ("import", "profile", "igniter", "none.csv", *OUT),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a profile, a trace, a run and a wrong experiment."""
    path = tmp_path_factory.mktemp("codes")
    profile_of({("a", 1): [kernel(10**6)]}).write(path / "p.parquet")
    Trace.from_columns(arrival_ns=[0, 5], model="a").write(path / "t.parquet")
    keys = {"profile": str(path / "p.parquet"), "trace": str(path / "t.parquet"), "policy": "greedy"}
    Experiment.from_flags(**keys).run(path / "run")
    (path / "strms.toml").write_text('sharing = "strms"\n')
    return path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [*((each, 2) for each in UNREADABLE), *((each, 1) for each in UNUSABLE)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_has_one_code_in_every_command(
    folder: Path, arguments: tuple[str, ...], code: int,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    before = sorted(folder.iterdir())
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["isim", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (code, ""), said.err
    assert said.err.startswith("isim: ")
    assert sorted(folder.iterdir()) == before
