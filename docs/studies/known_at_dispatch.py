"""How much of a batch's slowdown can be told at its dispatch, when what will be dispatched beside it is not known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from study import NAMES, SETS, measured, serve

from isim.engine.look_ahead import LookAhead
from isim.evaluation.cases import Cases
from isim.evaluation.prequential import prequential
from isim.evaluation.run_cases import Prepare, run_cases

Answer = Callable[[Cases, np.ndarray], np.ndarray]
"""What is said of the slowdowns of batches, given what the oracle says of them."""
_TRAINING_SEED = 777
_ALONE = len(NAMES)
"""Stands for the model of a co-runner where there is none."""


def watched(path: Path, name: str, seed: int, duration_s: float, truth: str) -> tuple[Cases, Prepare, np.ndarray]:
    """Return the batches of a set, what prepares a predictor for them, and what the oracle said at their dispatch."""
    models, load = SETS[name]
    number = seed + 1000 * list(SETS).index(name)
    run = serve(path, models, load, number, duration_s, contention=truth, predictor="oracle")
    cases, prepare = run_cases(run)
    said = run.table("predictions").to_pandas().set_index("batch_id")["predicted_slowdown"]
    batches = run.table("batches").to_pandas().dropna(subset=["finished_s"])
    of_case = batches.sort_values("finished_s", kind="stable")["batch_id"]
    return cases, prepare, said.loc[of_case].to_numpy()


def look_ahead(cases: Cases, prepare: Prepare, truth: str) -> np.ndarray:
    """Return what running the true contention model forward says at each dispatch."""
    predictor = LookAhead(truth)
    prepare(predictor)
    return prequential(predictor, "look-ahead", cases.cases, learning=False).slowdown["dispatch"]


def informed(path: Path, name: str, truth: str, training_s: float) -> Answer:
    """Return an answer from the state at dispatch and the oracle's, learned from other batches of the same set.

    Gradient boosting on thousands of batches of these models under this load: not what a server could have, but about
    what is in the state at dispatch. What is left of the error depends on arrivals to come.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    cases, _, oracle = watched(path, name, _TRAINING_SEED, training_s, truth)
    model = HistGradientBoostingRegressor(
        max_iter=300, learning_rate=0.05, min_samples_leaf=30, categorical_features=[1, 4], random_state=0
    )
    model.fit(_state(cases, oracle), measured(cases))

    def answer(cases: Cases, oracle: np.ndarray) -> np.ndarray:
        said: np.ndarray = model.predict(_state(cases, oracle))
        return said

    return answer


def _state(cases: Cases, oracle: np.ndarray) -> np.ndarray:
    rows: list[list[Any]] = []
    for case, said in zip(cases.cases, oracle, strict=True):
        target = case.observation.target
        beside = [0.0, 0.0, 0.0]
        model = _ALONE
        for member, elapsed_s in case.co_runners[:1]:
            model = NAMES.index(member.model)
            beside = [member.batch_size, elapsed_s, member.solo_s - elapsed_s]
        rows.append([said, NAMES.index(target.model), target.batch_size, target.solo_s, model, *beside])
    return np.array(rows, dtype=float)
