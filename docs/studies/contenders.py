"""Policies under load: the share of requests that they miss, and the load at which it reaches a limit."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from four_workloads import PROFILE, objectives, profile, requests

from isim.building.inputs import load_inputs
from isim.experiment import Experiment

STEPS = 64
"""Loads a doubling: 1.1 % apart."""
_BRACKET = 8
"""Steps between the loads that are tried first."""


class Contender(NamedTuple):
    """A policy as it would be deployed."""

    policy: str
    concurrency: int
    predictor: str | None = None

    @property
    def name(self) -> str:
        """How tables call it."""
        beside = "" if self.predictor is None else f" with {self.predictor}"
        return f"{self.policy}{beside}, {self.concurrency} at once"


class Setting(NamedTuple):
    """What is the same for all contenders."""

    workload: str
    slo_factor: float = 5.0
    contention: str = "block-scheduler"
    duration_s: float = 3.0


class Trial(NamedTuple):
    """A contender in a replication, from a rate on."""

    contender: Contender
    setting: Setting
    seed: int
    rate_rps: float


def experiment_of(trial: Trial, folder: Path) -> Experiment:
    """Return the experiment of a trial; what it reads is written into `folder`."""
    contender, setting, seed, rate_rps = trial
    keys: dict[str, Any] = {
        "profile": PROFILE, "policy": contender.policy, "concurrency": contender.concurrency,
        "contention": setting.contention, "slo": dict(objectives(setting.slo_factor)), "seed": seed,
    }  # fmt: skip
    if contender.predictor is not None:
        keys["predictor"] = contender.predictor
    return Experiment(**keys, **requests(setting.workload, seed, rate_rps, setting.duration_s, folder))


def missed(trial: Trial) -> float:
    """Return the share of requests that were not in time: late, dropped or refused."""
    with TemporaryDirectory() as folder:
        experiment = experiment_of(trial, Path(folder))
        run = experiment.run(Path(folder) / "run", inputs=load_inputs(experiment, profile()))
        return 1.0 - float(run.description["summary"]["total"]["attainment"])


def sustained_rps(trial: Trial, most_missed: float = 0.01) -> float:
    """Return the highest load, to within a step of 1.1 %, at which no more is missed; 0 if a hundredth still is.

    It goes up or down from the trial's rate, in steps of 9 %, 19 %, 41 %, until the limit is passed, and bisects.
    """

    def kept(step: int) -> bool:
        return missed(trial._replace(rate_rps=trial.rate_rps * 2 ** (step / STEPS))) <= most_missed + 1e-12

    low = high = 0
    width = _BRACKET
    if kept(0):
        while kept(high := low + width):
            low, width = high, 2 * width
    else:
        while not kept(low := high - width):
            high, width = low, 2 * width
            if high < -6 * STEPS:
                return 0.0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if kept(middle) else (low, middle)
    return float(trial.rate_rps * 2 ** (low / STEPS))
