"""Leave out of measured experiments what cannot be: the rules by which stale or impossible rows are found."""

import math
from dataclasses import replace
from statistics import median

from isim.errors import ProfileError
from isim.profiler.importers.recordings.experiment import Execution, Experiment
from isim.profiler.profile import Profile

# Measurements of the V100 pairs, repeated, differ by up to this in 9 of 10 cases (0.16), rounded up.
NOISE = 0.2


class Plausible:
    """Sift experiments, and keep in `left_out` what was left out and why.

    Parameters
    ----------
    profile
        Has the kernels of the models, whose sum no execution can undercut; None if they are not known.
    noise
        How much faster than possible a measurement may be, 0.2 being a fifth.

    Raises
    ------
    ProfileError
        The noise is no finite number from 0 on.

    Examples
    --------
    >>> Plausible(noise=float("nan"))
    Traceback (most recent call last):
    isim.errors.ProfileError: noise: not a finite number from 0 on (found nan); give 0.2, say
    >>> alone = Experiment("a alone", "mps", (Execution(0, "a", 1, 100.0),))
    >>> fine = Experiment("a+a", "mps", (Execution(0, "a", 1, 150.0), Execution(1, "a", 1, 160.0)))
    >>> odd = Experiment("odd", "mps", (Execution(0, "a", 1, 150.0), Execution(1, "a", 1, 60.0)))
    >>> plausible = Plausible()
    >>> _, pair = plausible.sift([alone, fine, odd])
    >>> pair.label, [execution.solo_ns for execution in pair.executions], plausible.left_out
    ('a+a', [100.0, 100.0], {'faster beside others than alone': ['odd']})
    """

    def __init__(self, profile: Profile | None = None, noise: float = NOISE) -> None:
        if not 0 <= noise < math.inf:
            raise ProfileError(f"noise: not a finite number from 0 on (found {noise:g}); give 0.2, say")
        self._profile = profile
        self._noise = noise
        self._kernels_ns: dict[tuple[str, int], float] = {}
        self.left_out: dict[str, list[str]] = {}

    def sift(self, experiments: list[Experiment]) -> list[Experiment]:
        """Return the experiments that can be, each execution with its solo duration where one is known.

        An experiment is left out as a whole: without one of its members it would look like a smaller one. A solo
        duration that cannot be is left out alone.
        """
        possible = [experiment for experiment in experiments if self._possible(experiment)]
        known_ns = _durations_alone_ns(possible)
        completed = [self._with_solo(experiment, known_ns) for experiment in possible]
        return [experiment for experiment in completed if not self._faster_beside_others(experiment)]

    def undercut(self, model: str, batch_size: int, duration_ns: float | None) -> bool:
        """Say whether a duration is below the sum of the batch's kernels by more than noise."""
        batch = (model, batch_size)
        if batch not in self._kernels_ns:
            self._kernels_ns[batch] = _kernels_ns(self._profile, *batch)
        return self.faster(duration_ns, self._kernels_ns[batch])

    def faster(self, duration_ns: float | None, bound_ns: float | None) -> bool:
        """Say whether a duration is below what bounds it by more than noise.

        Examples
        --------
        >>> Plausible(noise=0.2).faster(90, 100), Plausible(noise=0.2).faster(80, 100)
        (False, True)
        """
        return duration_ns is not None and bound_ns is not None and duration_ns * (1 + self._noise) < bound_ns

    def _possible(self, experiment: Experiment) -> bool:
        rows = experiment.executions
        if any(row.counted and row.duration_ns is None for row in rows):
            return self._leave_out("a measurement is missing", experiment.label)
        if experiment.members == 1 and any(self.undercut(row.model, row.batch_size, row.duration_ns) for row in rows):
            return self._leave_out("alone faster than its kernels", experiment.label)
        return True

    def _with_solo(self, experiment: Experiment, known_ns: dict[tuple[str, int, float], float]) -> Experiment:
        return replace(
            experiment, executions=tuple(self._solo(experiment, row, known_ns) for row in experiment.executions)
        )

    def _solo(self, experiment: Experiment, row: Execution, known_ns: dict[tuple[str, int, float], float]) -> Execution:
        if self.undercut(row.model, row.batch_size, row.solo_ns):
            self._leave_out("solo duration below its kernels", f"{experiment.label}, {row.model}")
        elif row.solo_ns is not None:
            return row
        return replace(row, solo_ns=known_ns.get((row.model, row.batch_size, row.sm_share)))

    def _faster_beside_others(self, experiment: Experiment) -> bool:
        if experiment.members == 1:
            return False
        # A makespan counts for none of its members, but none can have been faster.
        measured = [row for row in experiment.executions if row.counted or experiment.statistic == "makespan"]
        if any(self.faster(row.duration_ns, row.solo_ns) for row in measured):
            return not self._leave_out("faster beside others than alone", experiment.label)
        return False

    def _leave_out(self, reason: str, label: str) -> bool:
        self.left_out.setdefault(reason, []).append(label)
        return False


def _kernels_ns(profile: Profile | None, model: str, batch_size: int) -> float:
    if profile is None or model not in profile.models or batch_size not in profile.batch_sizes(model):
        return 0.0
    return float(profile.operations(model, batch_size)["duration_ns"].to_numpy().sum())


def _durations_alone_ns(experiments: list[Experiment]) -> dict[tuple[str, int, float], float]:
    """Return the median duration alone of each model, batch size and SM share."""
    durations_ns: dict[tuple[str, int, float], list[float]] = {}
    for experiment in experiments:
        for row in experiment.executions if experiment.members == 1 else ():
            if row.counted and row.duration_ns is not None:
                durations_ns.setdefault((row.model, row.batch_size, row.sm_share), []).append(row.duration_ns)
    return {key: median(values) for key, values in durations_ns.items()}
