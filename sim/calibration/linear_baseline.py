"""A linear regression of slowdown on mean utilisations: what a calibrated model has to beat."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isim.calibration.mixes import Mix, folds, measured
from isim.calibration.replay import Process
from isim.operations import RESOURCES, Operations
from isim.profiler.profile import Profile

Floats = npt.NDArray[np.float64]


def linear_errors(profile: Profile, mixes: Sequence[Mix]) -> dict[str, Floats]:
    """Return every member's absolute percentage error by fold kind, of a regression fitted without its fold.

    Features: mean utilisation over the whole batch, gaps included, of each resource that every kernel has measured, of
    the member and summed over its co-runners; and a constant (gpulets, USENIX ATC'22, for any number of co-runners).
    """
    operations = Operations(profile, dict.fromkeys(process.model for mix in mixes for process in mix.processes))
    shared = [name for name in RESOURCES if all(name in features for features in _all_features(operations))]

    def load(process: Process) -> Floats:
        variant = operations.variants[process.model, process.batch_size]
        features = operations.features(process.model, process.batch_size)
        busy = (variant.solo_s - variant.gap_s) / variant.solo_s
        return np.array([features[name] * busy for name in shared])

    rows = []
    for mix in mixes:
        loads = [load(process) for process in mix.processes]
        total = np.sum(loads, axis=0)
        rows += [np.concatenate([own, total - own, [1.0]]) for own in loads]
    x, y = np.array(rows), measured(mixes)

    def unseen(masks: Sequence[npt.NDArray[np.bool_]]) -> Floats:
        error, count = np.zeros(len(y)), np.zeros(len(y))
        for mask in masks:
            weights, *_ = np.linalg.lstsq(x[~mask], y[~mask], rcond=None)
            error[mask] += np.abs(x[mask] @ weights - y[mask]) / y[mask]
            count[mask] += 1
        return error / count

    return {kind: unseen(list(masks.values())) for kind, masks in folds(mixes).items()}


def _all_features(operations: Operations) -> list[dict[str, float]]:
    return [dict(operations.features(model, size)) for model, size in operations.variants]
