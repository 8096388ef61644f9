"""What studies are made of, against values found another way."""

import doctest
import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from worlds import kernel, profile_of

from isim.operations import Operations

STUDIES = Path(__file__).parent.parent.parent / "docs" / "studies"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(STUDIES))
    return importlib.import_module(name)


def test_blocked_time_against_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the steps of 1 ms in which a request waits and some batch has longer to go than it takes alone."""
    blocked_s = load("head_of_line", monkeypatch).blocked_s
    draw = np.random.default_rng(3)
    starts_s = np.sort(draw.uniform(0, 2, 30))
    finishes_s = starts_s + draw.uniform(0.01, 0.3, 30)
    arrived_s = np.sort(draw.uniform(0, 2, 50))
    dispatched_s = arrived_s + draw.exponential(0.1, 50)
    steps_s = np.arange(0, 4, 1e-4)
    inside = (starts_s <= steps_s[:, None]) & (steps_s[:, None] < finishes_s - 0.08)
    held_s = 1e-4 * np.asarray(inside.any(axis=1), dtype=float)
    waits = zip(arrived_s, dispatched_s, strict=True)
    expected = [held_s[(a <= steps_s) & (steps_s < d)].sum() for a, d in waits]
    found = blocked_s(arrived_s, dispatched_s, starts_s, finishes_s, 0.08)
    assert found == pytest.approx(expected, abs=31 * 1e-4)  # each edge is off by a step at most
    assert found.max() > 0.05


def test_nobody_is_blocked_by_short_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    blocked_s = load("head_of_line", monkeypatch).blocked_s
    times = np.array([0.0, 1.0]), np.array([0.5, 1.5]), np.array([0.0, 1.0]), np.array([0.5, 1.5])
    assert blocked_s(*times, 0.5).tolist() == [0.0, 0.0]


def test_an_alarm_needs_growing_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("river", reason="needs isim-serving[learn]")
    alarm_at: Any = load("alarm", monkeypatch).alarm_at
    error = np.random.default_rng(0).exponential(0.1, 2000)
    assert alarm_at(error, 0.5, 50.0) is None
    assert 1000 <= alarm_at(error + 0.3 * (np.arange(2000) >= 1000), 0.5, 50.0) < 1100
    assert alarm_at(error - 0.05 * (np.arange(2000) >= 1000), 0.5, 50.0) is None  # errors that shrink are no alarm


def test_a_new_model_takes_over_a_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrivals before and after: the known models lose a quarter of theirs; five standard deviations of a count."""
    deployment, study = load("deployment", monkeypatch), load("study", monkeypatch)
    with study.profile_of("L4") as path:
        profile = deployment.Profile.read(path)
        trace = deployment.requests(profile, "vgg19", 5, 40.0)
        steady = deployment.requests(profile, None, 5, 40.0)
    late = trace.arrival_ns >= 20 * 10**9
    new = trace.model_codes == trace.models.index("vgg19")
    assert not (new & ~late).any()
    before, after = int((~late).sum()), int((late & ~new).sum())
    assert after == pytest.approx(0.75 * before, abs=5 * (2 * before) ** 0.5)
    per_request_s = profile.solo_ns("vgg19", 4) / 4e9
    assert new.sum() * per_request_s / 20.0 == pytest.approx(0.225, abs=5 * 0.225 / new.sum() ** 0.5)
    assert len(steady) == pytest.approx(2 * before, abs=5 * (4 * before) ** 0.5)


def test_measured_sets_are_whole(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 pairs of iGniter, 2,695 victims of Gpulet, and the 33 labelled pairs of KACE with kernels of both members."""
    sets = load("measured_pairs", monkeypatch).measured_pairs(shared_data / "gpu")
    assert {name: len(cases.cases) for name, cases in sets.items()} == {
        "v100-igniter": 1000, "a100-gpulet": 2695, "v100-kace": 66
    }  # fmt: skip


def test_a_heat_map_is_blue_below_1_and_red_above(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = {"row": {"set a": {"mean": 0.5}, "set b": {"mean": 1.0}, "set c": {"mean": 1.5}}}
    svg = load("heat_map", monkeypatch).heat_maps_svg([("map", grid)], "title")
    colours = [tuple(map(int, match)) for match in re.findall(r'fill="rgb\((\d+),(\d+),(\d+)\)"', svg)]
    assert len(colours) == 3
    assert colours[0][0] < colours[0][2]
    assert colours[1] == (255, 255, 255)
    assert colours[2][0] > colours[2][2]


def test_kernels_that_the_class_rule_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kernel of each class, of equal length: 0.7 of the SMs, 0.7 of DRAM, and 0.1 of both on a tenth of the SMs.

    All but the first two beside themselves are allowed, 7 of 9 pairs, and only the last beside itself has room. By
    `fair` the first two are slowed beside themselves alone, by 1.4: none that is allowed is.
    """
    pairs = load("kernel_pairs", monkeypatch)
    kernels = [kernel(1000, sm=0.7, l2=0.0, dram=0.2), kernel(1000, sm=0.2, l2=0.0, dram=0.7)]
    kernels.append(kernel(1000, sm=0.1, l2=0.0, dram=0.1, sm_needed=0.1))
    operations = Operations(profile_of({("m", 1): kernels}), ["m"])
    slowed = pairs.slowdowns(operations, np.arange(3), "fair")
    assert slowed == pytest.approx(np.diag([0.4, 0.4, 0.0]) + 1)
    shares = pairs.of_kernels(operations, ["m"], 1, "fair")
    assert shares == pytest.approx({"allowed": 7 / 9, "slowed": 0.0, "with_room": 1 / 9, "slowed_with_room": 0.0})


def test_urgent_requests_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the GPU's time for urgent requests, all of it for the others; the same urgent ones by themselves."""
    two, study = load("two_classes", monkeypatch), load("study", monkeypatch)
    with study.profile_of("L4") as path:
        profile = two.Profile.read(path)
    pair = two.Pair("vgg19", "resnet50")
    alone, both = two.requests(profile, pair, 0.5, 3, 10.0)
    urgent = both.model_codes == both.models.index("vgg19")
    assert both.arrival_ns[urgent].tolist() == alone.arrival_ns.tolist()
    assert both.table["priority"].to_numpy()[urgent].tolist() == [1] * len(alone)
    assert both.table["priority"].to_numpy()[~urgent].max() == 0
    expected = 0.5 * 1e10 / profile.solo_ns("vgg19", 1)
    assert len(alone) == pytest.approx(expected, abs=5 * expected**0.5)
    assert int((~urgent).sum()) == pytest.approx(1e10 / profile.solo_ns("resnet50", 1), abs=1)


@pytest.mark.parametrize("name", ["alarm", "head_of_line", "heat_map", "shapes"])
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "alarm":
        pytest.importorskip("river", reason="needs isim-serving[learn]")
    found = doctest.testmod(load(name, monkeypatch))
    assert found.attempted > 0
    assert found.failed == 0
