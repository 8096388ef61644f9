"""Simulated against measured slowdowns of recorded mixes, with the measurement's own repeatability beside."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isim.calibrate import predict
from isim.calibration.mixes import Mix, measured
from isim.calibration.replay import PHASES
from isim.contention.contract import ContentionModel
from isim.profiler.profile import Profile

Floats = npt.NDArray[np.float64]

_BOOTSTRAPS = 1000


def validate(
    profile: Profile, mixes: Sequence[Mix], contention: ContentionModel, phases: int = PHASES
) -> dict[str, Any]:
    """Replay mixes through the engine and return errors of slowdown and throughput, in all, by workload and by mix.

    Errors are relative to the measured value (0.1 is ten per cent); `bias` is signed, positive where the simulation is
    slower than the measurement. A member's throughput, relative to its own alone, is the inverse of its slowdown.

    Parameters
    ----------
    profile, mixes
        The kernels alone, and what was measured together.
    contention
        The model under test, as it is: nothing is fitted here.
    phases
        How many initial phases a simulated slowdown is averaged over.
    """
    truth = measured(mixes)
    simulated = np.array(predict(profile, mixes, contention, phases))
    owner = np.repeat(np.arange(len(mixes)), [len(mix.processes) for mix in mixes])
    processes = [process for mix in mixes for process in mix.processes]
    names = np.array([f"{process.model}@{process.batch_size}" for process in processes])
    of_size = np.array([len(mix.processes) for mix in mixes])[owner]
    return {
        **_errors(simulated, truth, owner),
        "throughput_mape": float(np.mean(np.abs(truth / simulated - 1))),
        "no_interference_mape": float(np.mean(np.abs(1.0 - truth) / truth)),
        "repeatability": repeatability(mixes),
        "mixes_replayed": len(mixes),
        "initial_phases": phases,
        "by_size": {
            str(size): _errors(simulated[of_size == size], truth[of_size == size], owner[of_size == size])
            for size in sorted(set(of_size.tolist()))
        },
        "by_workload": {
            str(name): _errors(simulated[names == name], truth[names == name], owner[names == name])
            for name in sorted(set(names.tolist()))
        },
        "members": [
            {"experiment": mixes[int(i)].experiment, "workload": str(name), "measured": float(t), "simulated": float(s)}
            for i, name, t, s in zip(owner, names, truth, simulated, strict=True)
        ],
    }


def repeatability(mixes: Sequence[Mix]) -> float | None:
    """Return the mean relative deviation of a slowdown from its mean over repeats of one mix; None without repeats."""
    groups: dict[Any, list[list[float]]] = defaultdict(list)
    for mix in mixes:
        members = sorted(zip(mix.processes, mix.slowdowns, strict=True))
        groups[tuple(process for process, _ in members)].append([slowdown for _, slowdown in members])
    deviations = [
        np.abs(np.array(repeats) / np.mean(repeats, axis=0) - 1).ravel()
        for repeats in groups.values()
        if len(repeats) > 1
    ]
    return float(np.mean(np.concatenate(deviations))) if deviations else None


def _errors(simulated: Floats, truth: Floats, owner: npt.NDArray[Any]) -> Mapping[str, Any]:
    relative = simulated / truth - 1
    absolute = np.abs(relative)
    _, places = np.unique(owner, return_inverse=True)
    count = int(places.max()) + 1
    draws = np.random.default_rng(0).integers(0, count, (_BOOTSTRAPS, count))
    weights = np.stack([np.bincount(draw, minlength=count) for draw in draws])[:, places]
    # How the product adds up may differ from run to run in the last digit, which is no part of the answer.
    low, high = np.round(np.percentile((weights @ absolute) / weights.sum(axis=1), [2.5, 97.5]), 12)
    return {
        "n": len(truth),
        "mape": float(absolute.mean()),
        "mape_low": float(low),
        "mape_high": float(high),
        "median_ape": float(np.median(absolute)),
        "p90_ape": float(np.percentile(absolute, 90)),
        "bias": float(relative.mean()),
    }
