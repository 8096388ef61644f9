"""Which batches a predictor is trained on, and which it is tested on."""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from isim.errors import PredictorError
from isim.evaluation.cases import Case

TRAINING_SHARE = 0.75
"""As in Zhao and Georgantas, MAIoT'25."""


class Fold(NamedTuple):
    """Places of cases, each in order of finish."""

    train: Sequence[int]
    test: Sequence[int]


def split_cases(cases: Sequence[Case], split: str, seed: int, path: str) -> list[Fold]:
    """Return the folds of a split.

    Parameters
    ----------
    cases
        In order of finish.
    split
        `time`: what finished first, against what was dispatched later. `random`: drawn at random. Both train on three
        quarters. `model`: each model in turn is tested on, and trained without any batch that it was or ran beside.
        `pair`: each set of models that ran together in turn. `concurrency`: trained on batches with one co-runner at
        most, tested on those with more.
    seed
        Of the random split.
    path
        What to call the cases in errors.

    Raises
    ------
    PredictorError
        Nothing is left to train on or to test on.
    """
    folds = _SPLITS[split](cases, seed)
    folds = [fold for fold in folds if fold.train and fold.test]
    if not folds:
        raise PredictorError(
            f"{path}: cannot be split by {split} (found {_found(cases, split)}); choose another --split"
        )
    return folds


def _time(cases: Sequence[Case], seed: int) -> list[Fold]:
    edge = int(TRAINING_SHARE * len(cases))
    until_s = cases[edge - 1].finished_s if edge else 0.0
    later = [i for i in range(edge, len(cases)) if cases[i].dispatched_s >= until_s]
    return [Fold(range(edge), later)]


def _random(cases: Sequence[Case], seed: int) -> list[Fold]:
    order = np.random.default_rng(seed).permutation(len(cases))
    edge = int(TRAINING_SHARE * len(cases))
    return [Fold(sorted(order[:edge].tolist()), sorted(order[edge:].tolist()))]


def _model(cases: Sequence[Case], seed: int) -> list[Fold]:
    models = [case.models for case in cases]
    targets = [case.observation.target.model for case in cases]
    return [
        Fold(
            [i for i, met in enumerate(models) if held not in met], [i for i, own in enumerate(targets) if own == held]
        )
        for held in sorted(set(targets))
    ]


def _pair(cases: Sequence[Case], seed: int) -> list[Fold]:
    keys = [tuple(sorted(case.models)) for case in cases]
    return [
        Fold([i for i, own in enumerate(keys) if own != held], [i for i, own in enumerate(keys) if own == held])
        for held in sorted(set(keys))
    ]


def _concurrency(cases: Sequence[Case], seed: int) -> list[Fold]:
    sizes = [case.concurrency for case in cases]
    return [Fold([i for i, size in enumerate(sizes) if size <= 2], [i for i, size in enumerate(sizes) if size > 2])]


_SPLITS: dict[str, Callable[[Sequence[Case], int], list[Fold]]] = {
    "time": _time,
    "model": _model,
    "pair": _pair,
    "concurrency": _concurrency,
    "random": _random,
}
SPLITS = tuple(_SPLITS)


def _found(cases: Sequence[Case], split: str) -> str:
    kinds: dict[str, set[Hashable]] = {
        "model": {case.observation.target.model for case in cases},
        "pair": {tuple(sorted(case.models)) for case in cases},
    }
    if split == "concurrency":
        return f"at most {max(case.concurrency for case in cases)} batches at once"
    if split in kinds:
        return f"{len(kinds[split])} {split}{'s' if len(kinds[split]) > 1 else ''} among {len(cases)} batches"
    return f"{len(cases)} batches"
