"""Test, then train: ask a predictor of every batch at its dispatch and after its finish, then let it learn."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from isim.engine.ask import ask, teach
from isim.evaluation.cases import Case
from isim.operations import Floats
from isim.policies.predictors.predictor import Predictor

MOMENTS = ("dispatch", "hindsight")
"""When a prediction is asked for: as a scheduler must, or when all overlaps are known and only attribution is left."""


class Said(NamedTuple):
    """What a predictor said of each case, in their order."""

    slowdown: dict[str, Floats]
    """By moment."""
    sd: dict[str, Floats]
    predict_us: dict[str, Floats]
    """How long each answer took, by moment, in order of time."""
    learn_us: Floats
    """Empty if it did not learn."""


def prequential(predictor: Predictor, spec: str, cases: Sequence[Case], learning: bool = True) -> Said:
    """Ask about every case, in order of time, and teach it once it has finished.

    A batch is asked about when it is dispatched: what finished before has been learned, what still runs has not.

    Parameters
    ----------
    spec
        How to name the predictor in errors.
    learning
        False to keep it as it was trained.

    Raises
    ------
    PredictorError
        It raised, refused an observation, or said what no batch can be.
    """
    slowdown = {moment: np.empty(len(cases)) for moment in MOMENTS}
    sd = {moment: np.empty(len(cases)) for moment in MOMENTS}
    predict_ns: dict[str, list[int]] = {moment: [] for moment in MOMENTS}
    learn_ns = []
    events = [(case.finished_s, 0, i) for i, case in enumerate(cases)]  # a finish comes before a dispatch
    events += [(case.dispatched_s, 1, i) for i, case in enumerate(cases)]
    clock_ns = time.perf_counter_ns
    for _, dispatch, i in sorted(events):
        case = cases[i]
        target, _, stays, _ = observation = case.observation
        asked = (target, case.co_runners) if dispatch else (target, (), stays)
        started_ns = clock_ns()
        said = ask(predictor, spec, *asked)
        took_ns = clock_ns() - started_ns
        moment = MOMENTS[0] if dispatch else MOMENTS[1]
        predict_ns[moment].append(took_ns)
        slowdown[moment][i], sd[moment][i] = said
        if learning and not dispatch:
            started_ns = clock_ns()
            teach(predictor, spec, observation)
            learn_ns.append(clock_ns() - started_ns)
    predict_us = {moment: np.array(times_ns) / 1e3 for moment, times_ns in predict_ns.items()}
    return Said(slowdown, sd, predict_us, np.array(learn_ns) / 1e3)
