"""What the studies of published shapes share: figures of runs over seeds, with intervals."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from study import shown

from isim.comparison.ranges import in_range
from isim.run import Run
from isim.statistics import Interval, interval
from isim.traces.plots.curves import Curve

TRUTHS = ("block-scheduler", "leftover:kappa=1.05,beta=0")
"""Calibrated on pairs measured on a V100 (docs/validation.md), not on the GPU that is simulated."""
Figures = Mapping[str, float]


def over_seeds(figures: Callable[[int], Figures], seeds: int) -> dict[str, list[float]]:
    """Return each figure at each seed.

    Examples
    --------
    >>> over_seeds(lambda seed: {"a": seed, "b": -seed}, 3)
    {'a': [0, 1, 2], 'b': [0, -1, -2]}
    """
    found = [figures(seed) for seed in range(seeds)]
    return {name: [each[name] for each in found] for name in found[0]}


def shares(run: Run) -> dict[str, float]:
    """Return how the requests of a run ended, as shares, and how large its batches were."""
    total = run.description["summary"]["total"]
    finished = total["on_time"] + total["late"]
    return {
        "late_of_finished": total["late"] / finished if finished else 0.0,
        "attainment": total["attainment"],
        "refused": (total["rejected"] + total["dropped"]) / total["requests"],
        "mean_batch_size": total["mean_batch_size"] or 0.0,
    }


def share(values: Sequence[float]) -> Interval:
    """Return the mean of shares and its interval, which ends at 0 and 1."""
    return in_range(interval(values), "attainment")


def percent(found: Interval) -> str:
    """Write a share and its interval in percent.

    Examples
    --------
    >>> percent(share([0.25, 0.25]))
    '25.00 [25.00, 25.00]'
    """
    low, high = (None if end is None else 100 * end for end in (found.low, found.high))
    return shown(Interval(100 * found.mean, low, high, found.replications), 2)


def curve(x: Sequence[float], y: Sequence[Interval]) -> Curve:
    """Return the means against something."""
    return Curve(np.array(x, dtype=float), np.array([each.mean for each in y]))
