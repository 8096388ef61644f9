"""Fit contention models to measured co-location, and say how well they do on what they have not seen."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isim.calibration.candidates import check_target, load_targets, tried
from isim.calibration.mixes import Mix, folds, measured, read_mixes
from isim.calibration.replay import replay
from isim.contention.contract import ContentionModel
from isim.errors import ContentionError
from isim.operations import Operations
from isim.profiler.profile import Profile

Floats = npt.NDArray[np.float64]

_BOOTSTRAPS = 1000
_SEARCH_PHASES = 4


class Error(NamedTuple):
    """Absolute percentage errors of slowdowns, as ratios, with the bootstrap interval of their mean over mixes."""

    n: int
    mape: float
    p90_ape: float
    mape_low: float
    mape_high: float


class Fit(NamedTuple):
    """One model, fitted to all mixes, and its errors on folds it was fitted without."""

    name: str
    parameters: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    """Bootstrap intervals (95 %) of the parameters, over mixes."""
    unidentified: tuple[str, ...]
    """Parameters whose values the data cannot tell apart; frozen at their defaults."""
    errors: Mapping[str, Error]
    """By fold kind; `fit` is on the mixes it was fitted to."""
    families: Mapping[str, Error]
    """By model: the errors of all members of its mixes, under the parameters that are best without them."""
    unseen: Floats
    """Absolute errors with the member's own pair left out, mix after mix."""


class _Candidates(NamedTuple):
    """Every combination of parameters that was tried, and the slowdowns it predicts (candidate, member)."""

    names: tuple[str, ...]
    values: Floats
    slowdowns: Floats


def predict(profile: Profile, mixes: Sequence[Mix], contention: ContentionModel, phases: int) -> list[float]:
    """Return the slowdown of every member, mix after mix, replayed through the engine; repeats of a mix are equal."""
    operations = Operations(profile, dict.fromkeys(process.model for mix in mixes for process in mix.processes))
    replayed = {
        (processes, sharing, windows): replay(operations, processes, contention, phases, sharing, windows)
        for processes, sharing, windows in dict.fromkeys((mix.processes, mix.sharing, mix.windows) for mix in mixes)
    }
    return [slowdown for mix in mixes for slowdown in replayed[mix.processes, mix.sharing, mix.windows]]


def fit(profile: Profile, mixes: Sequence[Mix], target: type[Any], executor: Executor, seed: int = 0) -> Fit:
    """Fit a contention model by searching its `search` space for the least mean absolute percentage error.

    Parameters
    ----------
    profile, mixes
        The kernels alone, and what was measured together.
    target
        The model's class; its attribute `search` names the values to try of each parameter, the default among them.
    executor
        Where replays run; the result does not depend on it.
    seed
        Seeds the bootstrap.

    Raises
    ------
    ContentionError
        The profile lacks a column that the model needs.
    """
    points = tried(target)
    search = tuple(points[0])
    defaults = {name: float(getattr(target(), name)) for name in search}
    futures = [executor.submit(predict, profile, mixes, target(**point), _SEARCH_PHASES) for point in points]
    candidates = _Candidates(
        search,
        np.array([[point[name] for name in search] for point in points]),
        np.array([future.result() for future in futures]),
    )
    truth = measured(mixes)
    errors = np.abs(candidates.slowdowns - truth) / truth
    weights = _resamples(mixes, seed)
    unidentified = _unidentified(candidates, errors, weights)
    allowed = np.ones(len(points), dtype=bool)
    for name in unidentified:
        allowed &= candidates.values[:, candidates.names.index(name)] == defaults[name]
    errors[~allowed] = np.inf

    best = int(np.argmin(errors.mean(axis=1)))
    chosen = np.argmin(weights @ np.where(np.isinf(errors), 1e9, errors).T, axis=1)
    intervals = {
        name: tuple(float(v) for v in np.percentile(candidates.values[chosen, i], [2.5, 97.5]))
        for i, name in enumerate(candidates.names)
    }
    masks = folds(mixes)
    unseen = {kind: _unseen(errors, list(each.values())) for kind, each in masks.items()}
    families = {
        name: _summary(errors[int(np.argmin(errors[:, ~mask].mean(axis=1))), mask], weights[:, mask])
        for name, mask in masks.get("family", {}).items()
    }
    return Fit(
        getattr(target, "name", target.__name__),
        dict(zip(candidates.names, (float(value) for value in candidates.values[best]), strict=True)),
        intervals,  # type: ignore[arg-type]
        unidentified,
        {kind: _summary(values, weights) for kind, values in {"fit": errors[best], **unseen}.items()},
        families,
        unseen.get("pair", errors[best]),
    )


def _unidentified(candidates: _Candidates, errors: Floats, weights: Floats) -> tuple[str, ...]:
    """Name the parameters of which every value tried does as well as the best, as far as resampling mixes can tell."""
    best = errors[np.argmin(errors.mean(axis=1))]

    def as_good(index: int, value: float) -> bool:
        there = errors[candidates.values[:, index] == value]
        loss = (weights @ (there[np.argmin(there.mean(axis=1))] - best)) / weights.sum(axis=1)
        return bool(np.percentile(loss, 2.5) <= 0)

    return tuple(
        name
        for i, name in enumerate(candidates.names)
        if all(as_good(i, value) for value in np.unique(candidates.values[:, i]))
    )


def _unseen(errors: Floats, masks: Sequence[npt.NDArray[np.bool_]]) -> Floats:
    """Return each member's error under the parameters that were best without its folds, averaged over them."""
    result = np.zeros(errors.shape[1])
    count = np.zeros(errors.shape[1])
    for mask in masks:
        best = int(np.argmin(errors[:, ~mask].mean(axis=1)))
        result[mask] += errors[best, mask]
        count[mask] += 1
    return result / count


def _summary(errors: Floats, weights: Floats) -> Error:
    drawn = weights.sum(axis=1)
    means = (weights @ errors)[drawn > 0] / drawn[drawn > 0]
    # How the product adds up may differ from run to run in the last digit, which is no part of the answer.
    low, high = np.round(np.percentile(means, [2.5, 97.5]), 12)
    return Error(len(errors), float(errors.mean()), float(np.percentile(errors, 90)), float(low), float(high))


def calibrate(profile_path: str, recording_path: str, sharing: str, names: Sequence[str], seed: int) -> dict[str, Any]:
    """Fit contention models by name and return what is known of each, ready to print.

    Raises
    ------
    IsimError
        A file, the sharing mode or a model's name is wrong, or the profile lacks a column that a model needs.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from isim.calibration.linear_baseline import linear_errors
    from isim.profiler.colocation import Recording
    from isim.run import versions

    targets = load_targets(names)
    profile, recording = Profile.read(profile_path), Recording.read(recording_path)
    mixes, left_out = read_mixes(recording, profile, sharing, recording_path)
    if len(mixes) < 3:
        raise ContentionError(
            f"{recording_path}: too few mixes to hold any out (found {len(mixes)}); record at least three"
        )
    operations = Operations(profile, dict.fromkeys(process.model for mix in mixes for process in mix.processes))
    for name, target in targets.items():
        check_target(name, target, operations)
    # A worker loads the files of the user's own models as well, to know their classes.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawn, initializer=load_targets, initargs=(tuple(targets),)) as executor:
        fits = [fit(profile, mixes, target, executor, seed)._replace(name=name) for name, target in targets.items()]
    weights = _resamples(mixes, seed)
    linear = {kind: _summary(errors, weights)._asdict() for kind, errors in linear_errors(profile, mixes).items()}
    best = min(fits, key=lambda each: float(each.unseen.mean()))
    warnings = [
        f"contention {other.name} has fewer parameters than {best.name} and does as well on pairs left out, as far as "
        f"{len(mixes)} mixes can tell; prefer it"
        for other in fits
        if len(other.parameters) < len(best.parameters)
        and np.percentile((weights @ (other.unseen - best.unseen)) / weights.sum(axis=1), 2.5) <= 0
    ]
    return {
        "sharing": sharing,
        "mixes": len(mixes),
        "slowdowns": sum(len(mix.processes) for mix in mixes),
        "left_out": left_out,
        "inputs": {
            "profile": {"path": profile_path, "content_sha256": profile.digest()},
            "recording": {"path": recording_path, "content_sha256": recording.digest()},
        },
        "versions": versions(),
        "best": best.name,
        "warnings": warnings,
        "models": {
            **{
                each.name: {
                    "parameters": dict(each.parameters),
                    "intervals": {name: list(values) for name, values in each.intervals.items()},
                    "unidentified": list(each.unidentified),
                    "errors": {kind: error._asdict() for kind, error in each.errors.items()},
                    "families": {name: error._asdict() for name, error in each.families.items()},
                }
                for each in fits
            },
            "linear regression": {
                "parameters": {},
                "intervals": {},
                "unidentified": [],
                "errors": linear,
                "families": {},
            },
        },
    }


def _resamples(mixes: Sequence[Mix], seed: int) -> Floats:
    """Return how often each member counts in each bootstrap sample of mixes (sample, member)."""
    owner = np.repeat(np.arange(len(mixes)), [len(mix.processes) for mix in mixes])
    draws = np.random.default_rng(seed).integers(0, len(mixes), (_BOOTSTRAPS, len(mixes)))
    return np.stack([np.bincount(draw, minlength=len(mixes)) for draw in draws])[:, owner].astype(np.float64)
