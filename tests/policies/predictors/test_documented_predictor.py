"""The predictor printed in docs/write-a-predictor.md does what the page says."""

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from isim.errors import PredictorError
from isim.policies.predictors.checks import PREDICTOR_CHECKS, check_predictor
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Stay
from isim.policies.predictors.registry import make_predictor

PAGE = (Path(__file__).parents[3] / "docs" / "write-a-predictor.md").read_text(encoding="utf-8")
A, B = Member("a", 1, 0.010, {"dram": 0.2}), Member("b", 1, 0.010, {"dram": 0.5})


@pytest.fixture
def spec(tmp_path: Path) -> str:
    source = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert source is not None
    path = tmp_path / "my_predictor.py"
    path.write_text(source[1], encoding="utf-8")
    return f"{path}:Mine"


def test_it_passes_the_checks(spec: str) -> None:
    check_predictor(lambda: make_predictor(spec))


def test_it_learns_the_slope(spec: str) -> None:
    """Beside 0.5 of the DRAM for its whole time, a batch takes 1.3 times as long: the slope is 0.6."""
    predictor: Any = make_predictor(f"{spec}:rate=0.5")
    for _ in range(100):
        predictor.learn(Observation(A, 0.013, [Stay(0.013, (B,))], 0.010))
    assert predictor.slope == pytest.approx(0.6, abs=1e-3)
    assert predictor.predict(A, [CoRunner(B)]).slowdown == pytest.approx(1.3, abs=1e-3)


def test_it_refuses_the_impossible(spec: str) -> None:
    with pytest.raises(PredictorError, match=r"^predictor mine: duration_s of a batch of a is not a time above 0 s"):
        make_predictor(spec).learn(Observation(A, float("nan"), [], 0.010))


def test_the_page_lists_every_check() -> None:
    listed = re.findall(r"^\| `(check_\w+)` \|", PAGE, re.MULTILINE)
    assert listed == [check.__name__ for check in PREDICTOR_CHECKS]


def test_the_page_lists_every_predictor() -> None:
    table = PAGE.partition("## Which predictors there are")[2]
    installed = {entry.name for entry in entry_points(group="isim.predictors")}
    assert installed <= set(re.findall(r"`([\w-]+)`", table))
