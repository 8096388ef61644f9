"""A predictor in a run: what it is asked and taught, what is kept, and what it costs a run that has none."""

from pathlib import Path

import numpy as np
import pytest
from worlds import Log, kernel, profile_of

from isim.contention.leftover import Leftover
from isim.engine.predicting import Predicting
from isim.engine.simulation import Simulation
from isim.errors import PredictorError
from isim.evaluation.prequential import prequential
from isim.evaluation.run_cases import run_cases
from isim.experiment import Experiment
from isim.operations import Operations
from isim.policies.greedy import Greedy
from isim.policies.predictors.constant import Constant
from isim.policies.predictors.mean import Mean
from isim.run import Run
from isim.traces.trace import Trace
from isim.workload import Replay

PREDICTORS = """
class Divides:
    def predict(self, target, co_runners, so_far=()):
        return (1 / len(co_runners), 0.0)

    def learn(self, observation):
        pass
"""
POLICY = """
from isim.policies.greedy import Greedy

class Asks(Greedy):
    def __init__(self):
        super().__init__(max_batch=1)

    def decide(self, view, event):
        assert type(view.predictor).__name__ == "Constant"
        return super().decide(view, event)
"""


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.chdir(tmp_path)
    profile_of(
        {
            (model, size): [kernel(10**6 * size, gap_ns=10**5, duration_mad_ns=10**4, sm=0.8, memory=0.3)] * 3
            for model in "ab"
            for size in (1, 4)
        }
    ).write("p.parquet")
    arrivals = {"process": "gamma:cv=2", "rate": "300rps", "duration": "2s"}
    return Experiment(profile="p.parquet", arrivals=arrivals, policy="greedy", contention="leftover", seed=3)


@pytest.mark.parametrize("noise", [False, True], ids=["no-noise", "noise"])
def test_it_is_asked_and_taught_as_in_an_evaluation_of_the_run(experiment: Experiment, noise: bool) -> None:
    run = experiment.model_copy(update={"predictor": "mean", "noise": noise}).run("out")
    kept = run.table("predictions").to_pandas().set_index("batch_id").sort_index()
    batches = run.table("batches").to_pandas().set_index("batch_id").sort_index()
    assert list(kept.index) == list(batches.index)
    assert (kept["asked_s"] == batches["dispatched_s"]).all()
    assert set(kept["predictor"]) == {"mean"}
    cases = run_cases(run)[0].cases
    said = prequential(Mean(), "mean", cases).slowdown["dispatch"]
    order = np.argsort([case.dispatched_s for case in cases], kind="stable")
    assert len(set(batches["dispatched_s"])) == len(batches)  # so that the order is that of the batches
    assert kept["predicted_slowdown"].to_numpy() == pytest.approx(said[order], rel=1e-9)
    measured = np.array([cases[i].observation.slowdown for i in order])
    assert kept["measured_slowdown"].to_numpy() == pytest.approx(measured, rel=1e-9)
    assert measured.max() > 1.2
    assert Run.read("out").description["predictor"] == {"name": "Mean", "parameters": {}}


def test_a_predictor_that_nobody_asks_changes_nothing(experiment: Experiment) -> None:
    without = experiment.run("without")
    taught = experiment.model_copy(update={"predictor": "constant:slowdown=1.3"}).run("with")
    for name in ("requests", "batches", "overlaps"):
        assert (without.folder / f"{name}.parquet").read_bytes() == (taught.folder / f"{name}.parquet").read_bytes()
    assert not (without.folder / "predictions.parquet").exists()
    assert without.description["predictor"] is None
    experiment.run("with", force=True)  # a folder with predictions is one of ours
    assert not Path("with/predictions.parquet").exists()


def test_the_policy_sees_it(experiment: Experiment) -> None:
    Path("mine.py").write_text(POLICY)
    update = {"policy": "mine.py:Asks", "predictor": "constant"}
    assert experiment.model_copy(update=update).run().summary["total"]["batches"] > 100


def test_batches_that_the_horizon_cut_off_have_no_measurement(experiment: Experiment) -> None:
    run = experiment.model_copy(update={"predictor": "constant", "horizon_s": 0.5}).run()
    kept = run.table("predictions").to_pandas()
    batches = run.table("batches").to_pandas()
    assert len(kept) == len(batches)
    assert kept["measured_slowdown"].isna().sum() == batches["finished_s"].isna().sum() > 0


def test_a_predictor_that_raises_ends_the_run_and_leaves_nothing(experiment: Experiment) -> None:
    Path("mine.py").write_text(PREDICTORS)
    with pytest.raises(PredictorError, match=r"predictor mine\.py:Divides: predict raised ZeroDivisionError"):
        experiment.model_copy(update={"predictor": "mine.py:Divides"}).run("out")
    assert not Path("out").exists()


def test_it_remembers_only_who_may_still_be_met() -> None:
    profile = profile_of({("a", 1): [kernel(1_000_000)]})
    arrivals_ns = np.sort(np.random.default_rng(0).integers(0, 5_000_000_000, 5000))
    workload = Replay(Trace.from_columns(arrival_ns=arrivals_ns, model="a"))
    most = 0

    def watch(*_: object) -> None:
        nonlocal most
        most = max(most, len(predicting._member_of))

    predicting = Predicting(Constant(), "constant", watch)
    Simulation(
        Operations(profile, "a"), workload, Greedy(max_batch=1), Leftover(), 4, Log(), predicting=predicting
    ).run()
    assert 4 <= most < 100
    assert not predicting._member_of
    assert not predicting._said
