"""One replication: what every variant made of the same requests."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from isim.comparison.comparison import Figures
from isim.comparison.warm_up import WarmUp, warm_up
from isim.metrics import measure
from isim.run import Run


class Replication(NamedTuple):
    """The figures of every variant at one seed, all without the same warm-up."""

    descriptions: Mapping[str, Mapping[str, Any]]
    """By variant, what its `run.json` says."""
    figures: Mapping[str, Figures]
    warm_up_s: float
    """The longest of the variants that have a steady state."""
    unsteady: tuple[str, ...]
    """The variants that have none."""

    @classmethod
    def of(cls, runs: Mapping[str, Run], with_warm_up: bool) -> Self:
        """Measure the runs of one seed.

        Parameters
        ----------
        runs
            By variant.
        with_warm_up
            Keep the start, and look for no steady state.

        Raises
        ------
        RunError
            A run folder cannot be read.
        """
        found = {variant: WarmUp(0.0, True) if with_warm_up else warm_up_of(run) for variant, run in runs.items()}
        end_s = max(each.end_s for each in found.values())
        return cls(
            {variant: run.description for variant, run in runs.items()},
            {variant: figures_after(run, end_s) for variant, run in runs.items()},
            end_s,
            tuple(variant for variant, each in found.items() if not each.steady),
        )


def warm_up_of(run: Run) -> WarmUp:
    """Find the end of a run's warm-up in the latencies of its finished requests."""
    table = run.table("requests", ["arrived_s", "latency_s"])
    latency_s = table["latency_s"].to_numpy()
    finished = ~np.isnan(latency_s)
    return warm_up(table["arrived_s"].to_numpy()[finished], latency_s[finished])


def figures_after(run: Run, from_s: float) -> Figures:
    """Return the figures of a run from a time on; they are in its `run.json` if that is its start."""
    return measure(run.folder, run.description["ending"]["end_s"], from_s, run.gpus) if from_s > 0 else run.summary
