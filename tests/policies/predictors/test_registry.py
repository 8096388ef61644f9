"""Specs of predictors: names, files, parameters, and what is said when they are wrong."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from isim.errors import PredictorError
from isim.policies.predictors.registry import make_predictor, parse_predictor

MINE = """\
from isim.policies.predictors.predictor import Prediction

class Mine:
    def __init__(self, slope: float = 0.5):
        self.slope = slope

    def predict(self, target, co_runners, so_far=()):
        return Prediction(1 + self.slope * len(co_runners))

    def learn(self, observation): ...

class Deaf:
    def predict(self, target, co_runners, so_far=()): ...

class Old:
    def predict(self, features): ...
    def learn(self, features, slowdown): ...
"""


def test_reads_parameters() -> None:
    predictor: Any = make_predictor("constant:slowdown=1.25")
    assert parse_predictor("constant:slowdown=1.25") == (type(predictor), {"slowdown": 1.25})
    assert predictor.slowdown == 1.25


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("constnt", "predictor constnt: unknown (known: "),
        ("constant:slow=2", "predictor constant: no parameter slow (has: slowdown); did you mean slowdown?"),
        ("constant:slowdown=x", "predictor constant: slowdown is of another type (found 'x'); give a number, such as"),
        ("constant:slowdown=0.9", "predictor constant: slowdown is out of range (found 0.9); give a number, at least"),
        ("constant:slowdown=nan", "predictor constant: slowdown is out of range (found nan); give a number, at least"),
    ],
    ids=["name", "parameter", "type", "range", "nan"],
)
def test_says_what_is_wrong(spec: str, message: str) -> None:
    with pytest.raises(PredictorError) as error:
        make_predictor(spec)
    assert str(error.value).startswith(message)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_loads_from_a_file(file: Path) -> None:
    predictor: Any = make_predictor(f"{file}:Mine:slope=0.25")
    assert pickle.loads(pickle.dumps(predictor)).slope == 0.25


def test_says_which_methods_are_missing(file: Path) -> None:
    with pytest.raises(PredictorError, match=r"no method learn \(has: predict\); add learn\(self, observation\)$"):
        make_predictor(f"{file}:Deaf")


def test_says_which_arguments_are_wrong(file: Path) -> None:
    with pytest.raises(PredictorError) as error:
        make_predictor(f"{file}:Old")
    assert list(error.value.problems) == [
        f"predictor {file}:Old: predict takes other arguments (found predict(features)); "
        "write predict(self, target, co_runners, so_far=())",
        f"predictor {file}:Old: learn takes other arguments (found learn(features, slowdown)); "
        "write learn(self, observation)",
    ]
