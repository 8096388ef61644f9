from pathlib import Path
from typing import Any

import pytest

from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.planning.experiment_writing import write_experiment
from isim.planning.file_keys import file_keys, planned_keys
from isim.planning.plan import Part, Plan

EXPERIMENTS: dict[str, dict[str, Any]] = {
    "example": {"policy": "greedy"},
    "tenants": {
        "arrivals": {"tenants": {"web of x": {"rate": "5.5rps", "models": {"vgg19": 1}}}, "duration": "1ms"},
        "slo": {"vgg19": "12.5us", "*": "1h"},
        "gpus": 3,
        "router": "round-robin",
        "noise": True,
    },
    "clients": {"clients": {"models": {"vgg19": 4}, "think": "5ms", "duration": "2s"}, "sharing": "exclusive"},
    "trace": {"profile": "p.parquet", "trace": "t.parquet", "horizon": "30s", "seed": 7, "predictor": "mean"},
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_written_experiment_is_read_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plans").mkdir()
    experiment = Experiment(**EXPERIMENTS[name])
    write_experiment(Path("plans/e.toml"), file_keys(experiment), ["é"])
    read = Experiment.from_toml("plans/e.toml")
    moved = {
        name: str(Path("plans/..") / path) for name, path in EXPERIMENTS[name].items() if str(path).endswith(".parquet")
    }
    assert read == experiment.model_copy(update=moved)


def test_what_is_taken_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text("mine")
    with pytest.raises(ExperimentError, match=r"e\.toml: exists already; choose another name, or replace it with"):
        write_experiment(path, {}, [])
    write_experiment(path, {"gpus": 2}, [], force=True)
    assert path.read_text() == "gpus = 2\n"
    with pytest.raises(ExperimentError, match="a folder; give the name of a file"):
        write_experiment(tmp_path, {}, [], force=True)
    with pytest.raises(ExperimentError, match=r"e\.toml: cannot be written \(No such file or directory\)"):
        write_experiment(tmp_path / "none" / "e.toml", {}, [])
    assert list(tmp_path.iterdir()) == [path]


def test_a_plan_that_no_experiment_can_hold() -> None:
    plan = Plan("nexus", (Part(5000, "vgg19", 1.0, 1, 0.1, 1.0, 0.5),))
    with pytest.raises(ExperimentError, match=r"plan nexus: gpus: must be at least 1 and at most 4096 GPUs"):
        planned_keys(plan, Experiment())
