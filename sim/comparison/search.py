"""The highest load that a variant sustains in a replication, by bisection."""

import json
from typing import Any, NamedTuple

from isim.comparison.load import STEPS, probe
from isim.comparison.requirement import Requirement
from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.profiler.profile import Profile

_DOUBLINGS = 6
FILE = "search.json"


class Search(NamedTuple):
    """Where to look, and what for."""

    variant: str
    experiment: Experiment
    profile: Profile
    requirement: Requirement


class Point(NamedTuple):
    """A load at which a variant is to be simulated."""

    experiment: Experiment
    profile: Profile
    step: int


def search(task: Search) -> dict[str, bytes]:
    """Return, as a file, the highest step of load at which the requirement is met, and the figures at each step tried.

    The load is doubled, or halved, until one load meets the requirement and the double does not; bisection then leaves
    two neighbouring steps. `sustained` is None if no load meets it.

    Raises
    ------
    ExperimentError
        Every load meets it.
    """
    tried: dict[int, dict[str, Any]] = {}
    described: dict[str, Any] = {}

    def met(step: int) -> bool:
        found = probe(task.experiment, task.profile, step)
        tried[step] = found.figures
        described.update({} if described else found.description)
        return task.requirement.met(found.figures)

    sustained = _bisect(met, task)
    result = {"sustained": sustained, "tried": {str(step): tried[step] for step in sorted(tried)}, "run": described}
    return {FILE: json.dumps(result).encode()}


def point(task: Point) -> dict[str, bytes]:
    """Return, as a file, the figures at one load."""
    return {FILE: json.dumps(probe(*task).figures).encode()}


def _bisect(met: Any, task: Search) -> int | None:
    low, high = 0, 0
    if met(0):
        while True:
            low, high = high, high + STEPS
            if high > _DOUBLINGS * STEPS:
                raise ExperimentError(
                    f"capacity: {task.requirement} holds of {task.variant} at {2**_DOUBLINGS} times the load "
                    "(nothing breaks it); start from a higher rate, or set an objective with --slo"
                )
            if not met(high):
                break
    else:
        while True:
            low, high = low - STEPS, low
            if low < -_DOUBLINGS * STEPS:
                return None
            if met(low):
                break
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if met(middle) else (low, middle)
    return low
