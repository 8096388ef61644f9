"""Golden plans, from a profile to a run."""

from pathlib import Path
from typing import Any

import pytest
from worlds import kernel, profile_of

from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.plan import plan
from isim.planning.experiment_writing import write_experiment
from isim.planning.file_keys import planned_keys
from isim.profiler.profile import Profile
from isim.run import Run

MS = 10**6
PAPER = profile_of(
    {
        (model, size): [kernel(duration_ms * MS)]
        for model, durations_ms in {"A": (50, 75, 100), "B": (50, 90, 125), "C": (60, 95, 125)}.items()
        for size, duration_ms in zip((4, 8, 16), durations_ms, strict=True)
    }
)
"""Nexus, section 4.1."""
PARTED = profile_of(
    {
        (model, size): [kernel(size * 5 * MS // 2, sm=0.4, memory=0.1, sm_needed=0.4)]
        for model in ("a", "b", "c")
        for size in (1, 2, 4, 8)
    }
)
"""Batches of n take 2.5 n ms on 0.4 of the SMs or more, and twice that on 0.2."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned_run(planner: str, profile: Profile, arrivals: dict[str, Any], slo: object, **keys: Any) -> tuple[Any, Run]:
    """Return the parts of a plan, and the run of its file."""
    profile.write("p.parquet")
    experiment = Experiment(profile="p.parquet", arrivals=arrivals, slo=slo, **keys)
    found = plan(planner, experiment)
    write_experiment(Path("e.toml"), planned_keys(found, experiment), found.lines())
    parts = [(part.gpu, part.model, part.sm_share, part.batch_size) for part in found.parts]
    return parts, Experiment.from_toml("e.toml").run("out")


def test_the_example_of_nexus_is_packed_and_nothing_is_late(folder: Path) -> None:
    """A and B fill their GPU: in the 125 ms of their cycle 8 and 4 come, and take 75 and 50.

    C is not made to wait for its cycle: in the 60 ms of a batch 1.92 come.
    """
    arrivals = {"process": "constant", "rate": "128rps", "duration": "20s", "models": {"A": 2, "B": 1, "C": 1}}
    parts, run = planned_run("nexus", PAPER, arrivals, {"A": "200ms", "*": "250ms"})
    assert parts == [(0, "A", 1.0, 8), (0, "B", 1.0, 4), (1, "C", 1.0, 4)]
    total = run.summary["total"]
    assert total["on_time"] == total["requests"] == pytest.approx(20 * 128, abs=3)
    batches = run.table("batches").to_pydict()
    gpu_of = set(zip(batches["model"], batches["gpu"], strict=True))
    assert gpu_of == {("A", 0), ("B", 0), ("C", 1)}
    largest = {model: 0 for model, _ in gpu_of}
    for model, requests in zip(batches["model"], batches["requests"], strict=True):
        largest[model] = max(largest[model], requests)
    assert largest == {"A": 8, "B": 4, "C": 2}


def test_a_model_on_several_gpus_is_sent_by_their_rates(folder: Path) -> None:
    """400 a second are 160, 160 and 80; the last GPU's batches may be as large as those of the full ones."""
    arrivals = {"process": "constant", "rate": "400rps", "duration": "10s", "models": {"A": 1}}
    parts, run = planned_run("nexus", PAPER, arrivals, "200ms")
    assert parts == [(0, "A", 1.0, 16), (1, "A", 1.0, 16), (2, "A", 1.0, 8)]
    batches = run.table("batches").to_pydict()
    served = dict.fromkeys(range(3), 0)
    for gpu, requests in zip(batches["gpu"], batches["requests"], strict=True):
        served[gpu] += requests
    assert sum(served.values()) == run.summary["total"]["on_time"] + run.summary["total"]["late"]
    assert served[2] == pytest.approx(800, abs=2)  # nothing of it was dropped


def test_gpulets_are_processes_on_parts_and_nothing_is_late(folder: Path) -> None:
    """Each needs 0.4 for 400 a second in batches of 8; the third, of 50, has 0.2 of a GPU with room for it."""
    arrivals = {"process": "constant", "rate": "850rps", "duration": "20s", "models": {"a": 8, "b": 8, "c": 1}}
    parts, run = planned_run("gpulets", PARTED, arrivals, "40ms", contention="none")
    assert parts == [(0, "c", 0.2, 1), (0, "a", 0.4, 8), (1, "b", 0.4, 8)]
    total = run.summary["total"]
    assert total["on_time"] == total["requests"] == pytest.approx(20 * 850, abs=3)
    assert run.description["sharing"] == {"mode": "mps", "shares": {"a": 0.4, "b": 0.4, "c": 0.2}}
    batches = run.table("batches").to_pydict()
    of_c = [solo_s for model, solo_s in zip(batches["model"], batches["solo_s"], strict=True) if model == "c"]
    assert of_c == pytest.approx([0.005] * len(of_c))  # twice as long as on the whole GPU


def test_gpulets_believe_a_predictor(folder: Path) -> None:
    """1.3 times as slow, batches of 8 of two models, 26 ms each, would not fit twice in 40 ms: each has a GPU."""
    PARTED.write("p.parquet")
    arrivals = {"rate": "800rps", "models": {"a": 1, "b": 1}}
    alone = Experiment(profile="p.parquet", arrivals=arrivals, slo="40ms")
    wary = Experiment(profile="p.parquet", arrivals=arrivals, slo="40ms", predictor="constant:slowdown=1.3")
    assert [plan("gpulets", each).gpus for each in (alone, wary)] == [1, 2]
    with pytest.raises(ExperimentError, match=r"predictor: this one runs batches ahead.* \(found LookAhead\)"):
        plan("gpulets", Experiment(profile="p.parquet", arrivals=arrivals, slo="40ms", predictor="look-ahead"))


@pytest.mark.parametrize("planner", ["nexus", "gpulets"])
def test_objectives_shorter_than_two_batches_are_all_named(folder: Path, planner: str) -> None:
    PARTED.write("p.parquet")
    arrivals = {"rate": "30rps", "models": {"a": 1, "b": 1, "c": 1}}
    with pytest.raises(ExperimentError) as caught:
        plan(planner, Experiment(profile="p.parquet", arrivals=arrivals, slo={"a": "4ms", "b": "40ms", "c": "3ms"}))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["slo.a", "slo.c"]
    assert "(found 4 ms, one takes 2.5 ms); raise it" in caught.value.problems[0]
