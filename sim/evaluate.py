"""Compare predictors on the same batches: test-then-train, and trained beforehand on others."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from isim.building.inputs import Problems
from isim.building.seeded import make_seeded
from isim.engine.ask import train
from isim.errors import PredictorError
from isim.evaluation.cases import Case, Cases
from isim.evaluation.prediction_metrics import LEVEL, half_width, learning_curve, prediction_metrics, recovery
from isim.evaluation.prequential import MOMENTS, Said, prequential
from isim.evaluation.resampling import Resampling
from isim.evaluation.splits import split_cases
from isim.operations import Floats
from isim.policies.predictors.predictor import Predictor
from isim.policies.predictors.registry import make_predictor

LEARNING = ("frozen", "online")
"""After its training a predictor stays as it is, or goes on learning."""


class Trial(NamedTuple):
    """What predictors are trained on, and what they are then asked about; both in order of finish."""

    train: Sequence[Case]
    test: Sequence[Case]


def evaluate(
    specs: Sequence[str], trials: Sequence[Trial], seed: int = 0, prepare: Callable[[Predictor], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Return the figures of each predictor, by what it learned and when it was asked.

    Parameters
    ----------
    specs
        The predictors; differences are to the first.
    trials
        Folds, whose tests are pooled; each predictor starts anew in each. Without training there is one.
    seed
        Of predictors that take one, and of the bootstrap.
    prepare
        Called with every predictor before its first use.

    Raises
    ------
    PredictorError
        A predictor is unknown, named twice, raised, or refused an observation.
    """
    if twice := [a for a, b in combinations(specs, 2) if a == b]:
        raise PredictorError(f"predictor {twice[0]}: named twice; name each once")
    problems = Problems()
    for spec in specs:  # all are known to be right before the first is run
        problems.collect(partial(make_predictor, spec))
    problems.raise_any()
    cases = [case for trial in trials for case in trial.test]
    resampling = Resampling(cases, seed)
    results = []
    for learning in LEARNING if any(trial.train for trial in trials) else LEARNING[1:]:
        said = {spec: [_one(spec, trial, learning, seed, prepare) for trial in trials] for spec in specs}
        results += [
            _result(spec, learning, moment, cases, said, resampling, alone=len(trials) == 1 and not trials[0].train)
            for moment in MOMENTS
            for spec in specs
        ]
    return results


def trials_of(cases: Cases, split: str | None, trained_on: Cases | None, seed: int) -> list[Trial]:
    """Return what to train on and to test on: folds of the cases, other cases, or nothing.

    Raises
    ------
    PredictorError
        The cases cannot be split so.
    """
    if trained_on is not None:
        return [Trial(trained_on.cases, cases.cases)]
    if split is None:
        return [Trial((), cases.cases)]
    return [
        Trial([cases.cases[i] for i in fold.train], [cases.cases[i] for i in fold.test])
        for fold in split_cases(cases.cases, split, seed, cases.path)
    ]


def _one(spec: str, trial: Trial, learning: str, seed: int, prepare: Callable[[Predictor], None]) -> Said:
    predictor = make_seeded(spec, seed)
    prepare(predictor)
    if trial.train:
        train(predictor, spec, [case.observation for case in trial.train])
    return prequential(predictor, spec, trial.test, learning == "online")


def _result(
    spec: str, learning: str, moment: str, cases: Sequence[Case], said: dict[str, list[Said]],
    resampling: Resampling, alone: bool,
) -> dict[str, Any]:  # fmt: skip
    measured = np.array([case.observation.slowdown for case in cases])
    solo_s = np.array([case.observation.solo_s for case in cases])
    predicted = {name: np.concatenate([part.slowdown[moment] for part in parts]) for name, parts in said.items()}
    sd = np.concatenate([part.sd[moment] for part in said[spec]])
    own = predicted[spec]
    squared = {name: (values - measured) ** 2 for name, values in predicted.items()}
    relative = {name: np.abs(values - measured) / measured for name, values in predicted.items()}
    result: dict[str, Any] = {
        "predictor": spec,
        "learning": learning,
        "moment": moment,
        "batches": len(cases),
        **prediction_metrics(measured, own, sd, solo_s),
        "mse_interval": resampling.mean(squared[spec]),
        "mape_interval": resampling.mean(relative[spec]),
        "interval_coverage_interval": resampling.mean(1.0 * (np.abs(own - measured) <= half_width(sd)))
        if sd.all()
        else None,
        **_costs(said[spec], moment),
    }
    if (first := next(iter(said))) != spec:
        result["minus_first"] = {
            "mse": resampling.difference(squared[spec], squared[first]),
            "mape": resampling.difference(relative[spec], relative[first]),
        }
        result["mse_over_first"] = resampling.ratio(squared[spec], squared[first])
    if alone and moment == MOMENTS[0]:
        result["recovery"] = recovery(cases, relative[spec])
    result["curve"] = learning_curve(measured, own)
    result["relative_error_percentiles"] = [float(v) for v in np.percentile(relative[spec], range(101))]
    return result


def _costs(parts: Sequence[Said], moment: str) -> dict[str, float | None]:
    def figures(name: str, times_us: Floats) -> dict[str, float | None]:
        some = len(times_us) > 0
        return {
            f"{name}_us_p50": float(np.median(times_us)) if some else None,
            f"{name}_us_mean": float(np.mean(times_us)) if some else None,
        }

    return {
        **figures("predict", np.concatenate([part.predict_us[moment] for part in parts])),
        **figures("learn", np.concatenate([part.learn_us for part in parts])),
    }


def describe_cases(cases: Cases) -> dict[str, Any]:
    """Return what the batches are like, whoever predicts them."""
    measured = np.array([case.observation.slowdown for case in cases.cases])
    return {
        "path": cases.path,
        "origin": cases.origin,
        "batches": len(measured),
        "co_located_share": float(np.mean([case.concurrency > 1 for case in cases.cases])),
        "slowdown_mean": float(np.mean(measured)),
        "slowdown_variance": float(np.var(measured)),
        **{f"slowdown_p{q}": float(np.percentile(measured, q)) for q in (50, 95, 99)},
        "interval_level": LEVEL,
        "left_out": list(cases.notes),
    }
