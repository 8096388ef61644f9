"""The router printed in docs/write-a-router.md does what the page says."""

import re
from pathlib import Path

import pytest

from isim.experiment import Experiment
from isim.policies.routers.checks import ROUTER_CHECKS, check_router
from isim.policies.routers.registry import make_router
from isim.policies.routers.rehearsal import rehearse_router
from isim.policies.routers.router import Fleet

PAGE = (Path(__file__).parents[3] / "docs" / "write-a-router.md").read_text(encoding="utf-8")


@pytest.fixture
def spec(tmp_path: Path) -> str:
    source = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert source is not None
    path = tmp_path / "my_router.py"
    path.write_text(source[1], encoding="utf-8")
    return f"{path}:Mine"


def test_it_passes_the_checks(spec: str) -> None:
    check_router(lambda: make_router(spec, seed=0))


def test_it_gathers_a_model_until_a_gpu_has_too_many(spec: str) -> None:
    """One runs on each GPU, then `a` waits on GPU 0; others join it while it has at most two more open than GPU 1."""
    arrivals = [("a", 0.000), ("b", 0.001), ("a", 0.002), ("a", 0.003), ("a", 0.004), ("a", 0.005)]
    assert rehearse_router(make_router(f"{spec}:most_ahead=2", 0), arrivals) == [0, 1, 0, 0, 0, 1]
    assert rehearse_router(make_router(spec, 0), arrivals) == [0, 1, 0, 0, 0, 0]


def test_it_runs_as_printed(spec: str) -> None:
    arrivals = {"rate": "2000rps", "duration": "200ms", "models": {"resnet50": 1, "vgg19": 1}}
    run = Experiment(gpus=2, router=f"{spec}:most_ahead=4", arrivals=arrivals, policy="greedy").run()
    assert run.description["router"] == {"name": "Mine", "parameters": {"most_ahead": 4}}
    assert set(run.table("batches")["gpu"].to_pylist()) == {0, 1}


def test_the_page_lists_every_check_and_all_that_the_fleet_shows() -> None:
    shown = {name for name in vars(Fleet) if not name.startswith("_")}
    assert set(re.findall(r"^\| `(\w+)", PAGE, re.MULTILINE)) == shown | {check.__name__ for check in ROUTER_CHECKS}
