"""What a variant sustains in a replication, by bisection over the load or over the number of GPUs."""

import json
from typing import Any, NamedTuple

from isim.comparison.axis import Axis
from isim.comparison.replication import figures_after, warm_up_of
from isim.comparison.requirement import Requirement
from isim.experiment import Experiment
from isim.profiler.profile import Profile
from isim.scratch import scratch

FILE = "search.json"


class Search(NamedTuple):
    """Where to look, and what for."""

    variant: str
    experiment: Experiment
    profile: Profile
    requirement: Requirement
    axis: Axis


class Point(NamedTuple):
    """A step at which a variant is to be simulated."""

    experiment: Experiment
    profile: Profile
    axis: Axis
    step: int


class Probe(NamedTuple):
    """A simulation at some step."""

    figures: dict[str, Any]
    """Of all requests together, without the warm-up."""
    description: dict[str, Any]


def search(task: Search) -> dict[str, bytes]:
    """Return, as a file, the last step at which the requirement is met, and the figures at each step tried.

    `sustained` is None if no load meets it.

    Raises
    ------
    ExperimentError
        Every load meets it, or no number of GPUs does.
    """
    tried: dict[int, dict[str, Any]] = {}
    described: dict[str, Any] = {}

    def met(step: int) -> bool:
        found = probe(Point(task.experiment, task.profile, task.axis, step))
        tried[step] = found.figures
        described.update({} if described else task.axis.described(found.description))
        return task.requirement.met(found.figures)

    sustained = task.axis.find(met, f"{task.variant}, seed {task.experiment.seed},", str(task.requirement))
    result = {"sustained": sustained, "tried": {str(step): tried[step] for step in sorted(tried)}, "run": described}
    return {FILE: json.dumps(result).encode()}


def point(task: Point) -> dict[str, bytes]:
    """Return, as a file, the figures at one step."""
    return {FILE: json.dumps(probe(task).figures).encode()}


def probe(task: Point) -> Probe:
    """Simulate an experiment at a step."""
    experiment, inputs = task.axis.at(task.experiment, task.profile, task.step)
    with scratch() as folder:
        run = experiment.run(folder / "run", inputs=inputs)
        return Probe(figures_after(run, warm_up_of(run).end_s)["total"], run.description)
