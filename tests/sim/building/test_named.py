"""What an experiment names is looked for even where its keys are wrong, and no request is read for that."""

from pathlib import Path
from typing import Any

import pytest

from isim.building.named import check_named, name_problems
from isim.errors import IsimError
from isim.experiment import Experiment
from isim.traces.trace import Trace

OWN = """\
class Seeded:
    def __init__(self, seed: int, share: float = 0.5):
        self.seed, self.share = seed, share

    def decide(self, view, event):
        return []
"""


@pytest.mark.parametrize(
    ("keys", "places"),
    [
        ({}, []),
        ({"profile": 3, "policy": None, "trace": [], "arrivals": 3, "slo": "5ms"}, []),
        ({"profile": "analytic:L5"}, ["analytic:L5"]),
        ({"slo": {"resnet50": "5ms", "*": "1s"}}, []),
        ({"slo": {"resnet5": "5ms", "a": "0s"}}, ["slo.resnet5"]),
        ({"policy": "orion:urgent=resnet50/vgg19"}, []),
        ({"policy": "reef:urgent=resnet50/vgg1", "slo": {"vgg": "1s"}}, ["slo.vgg", "policy: urgent=vgg1"]),
        ({"gpus": "2xanalytic:T4,analytic:L5", "policy": "orion:urgent=vgg1"}, ["analytic:L5"]),
        ({"arrivals": {"process": "poison", "tenants": {"x": {"process": "gama"}, "y": 3}}}, ["poison", "gama"]),
        (
            {"policy": "gredy", "predictor": "orcle", "router": "random", "contention": "no.toml"},
            ["policy", "predictor", "router", "no.toml"],
        ),
    ],
)
def test_each_is_said_once(keys: dict[str, Any], places: list[str]) -> None:
    found = name_problems(keys, [("slo", "a")])
    assert [place in problem for place, problem in zip(places, found, strict=True)] == [True] * len(places)


def test_a_policy_that_needs_a_seed_gets_one(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    for spec in (f"{tmp_path}/own.py:Seeded", f"{tmp_path}/own.py:Seeded:share=0.1"):
        assert name_problems({"policy": spec}, []) == []


def test_requests_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("arrival_ns,model\n5,a\n0,a\n")  # out of order, which reading would tell
    Trace.from_columns(arrival_ns=[0], model="a").write(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        assert name_problems({"trace": str(tmp_path / name)}, []) == []
    with pytest.raises(IsimError, match=r"row|line|order"):
        Trace.read(tmp_path / "t.csv")


def test_urgent_models_are_looked_for_where_the_requests_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(IsimError) as caught:
        check_named(
            Experiment.from_flags(trace=str(tmp_path / "no.csv"), policy="orion:urgent=vgg1", slo_s={"vgg": 1.0})
        )
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["slo.vgg", "policy"]


def test_what_inputs_would_say_is_left_to_them(tmp_path: Path) -> None:
    profile, trace = str(tmp_path / "no.parquet"), str(tmp_path / "no.csv")
    check_named(Experiment.from_flags(profile=profile, trace=trace, slo_s={"a": 0.005}))
    with pytest.raises(IsimError) as caught:
        check_named(Experiment(profile=profile, trace=trace, policy="gredy", contention="fare"))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "policy gredy",
        "contention model fare",
    ]
