"""A model that a policy is told of, and that no GPU's profile has, is refused with all else that is wrong."""

from pathlib import Path
from typing import Any

import pytest
from worlds import kernel, profile_of

from isim.building.named import load_named
from isim.errors import IsimError
from isim.experiment import Experiment
from isim.simulate import check
from isim.traces.trace import Trace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder: profiles a.parquet, of a, and both.parquet, of a and bert; requests to a alone."""
    monkeypatch.chdir(tmp_path)
    profile_of({("a", 1): [kernel(1000)]}).write(tmp_path / "a.parquet")
    profile_of({("a", 1): [kernel(1000)], ("bert", 1): [kernel(1000)]}).write(tmp_path / "both.parquet")
    Trace.from_columns(arrival_ns=[0], model="a").write(tmp_path / "t.parquet")
    return tmp_path


def check_keys(**keys: Any) -> None:
    """Check an experiment of these keys as before a run."""
    experiment = Experiment(**keys)
    check(experiment, load_named(experiment))


def problems_of(**keys: Any) -> tuple[str, ...]:
    """Return what is wrong with an experiment of these keys before it runs."""
    with pytest.raises(IsimError) as caught:
        check_keys(**keys)
    return caught.value.problems


@pytest.mark.parametrize("policy", ["orion", "reef", "reef:padding=true"])
def test_all_misspelt_are_said_with_what_else_is_wrong(folder: Path, policy: str) -> None:
    spec = policy + ("," if ":" in policy else ":") + "urgent=brt/a/zz"
    keys: dict[str, Any] = {"profile": "both.parquet", "trace": "t.parquet", "slo": {"aa": "1s"}, "contention": "fare"}
    slo, *others, contention = problems_of(policy=spec, **keys)
    assert slo == "slo.aa: no such model (has: a, bert); did you mean a?"
    assert others == [
        "policy: urgent=brt: no such model (has: a, bert); did you mean bert?",
        "policy: urgent=zz: no such model (has: a, bert); correct the name",
    ]
    assert contention.startswith("contention model fare: unknown")
    with pytest.raises(IsimError):
        Experiment(policy=spec, **keys).run(folder / "out")
    assert not (folder / "out").exists()


def test_a_model_of_any_profile_is_known_whether_requests_name_it_or_not(folder: Path) -> None:
    keys: dict[str, Any] = {"trace": "t.parquet", "policy": "orion:urgent=bert"}
    for gpus in ("both.parquet", "2xa.parquet,both.parquet", "both.parquet,a.parquet"):
        check_keys(gpus=gpus, **keys)
    assert problems_of(gpus="2xa.parquet", **keys) == ("policy: urgent=bert: no such model (has: a); correct the name",)


def test_a_planned_batch_size_of_no_model_is_refused(folder: Path) -> None:
    keys: dict[str, Any] = {"profile": "both.parquet", "trace": "t.parquet"}
    check_keys(policy="planned:batch_sizes=bert@1", **keys)
    (problem,) = problems_of(policy="planned:batch_sizes=bert@1/brt@1", **keys)
    assert problem == "policy: batch_sizes=brt@1: no such model (has: a, bert); did you mean bert?"


def test_of_a_computed_profile_any_network_is_known() -> None:
    requests = {"rate": "100rps", "duration": "1s", "models": {"resnet50": 1}}
    check_keys(arrivals=requests, policy="orion:urgent=vgg19")
    (problem,) = problems_of(arrivals=requests, policy="orion:urgent=vgg9")
    assert problem.startswith("policy: urgent=vgg9: no such model (has: ")
    assert problem.endswith("; did you mean vgg19?")
