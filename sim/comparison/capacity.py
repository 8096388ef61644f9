"""What load each variant sustains, or on how few GPUs, and how it fares around that."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from isim.comparison.axis import WORDS, Axis
from isim.comparison.notes import fitted_notes
from isim.comparison.pairs import Pair, Ranked, pairs, ranking
from isim.comparison.ranges import in_range
from isim.comparison.requirement import Requirement
from isim.comparison.search import FILE, Point, Search, point, search
from isim.comparison.sweep import Sweep
from isim.comparison.variants import Variant
from isim.statistics import Interval, interval, paired_difference

Figures = Mapping[str, Any]


class Capacity(NamedTuple):
    """The capacity of several variants over replications, and curves over the load."""

    variants: tuple[str, ...]
    """The first is the baseline."""
    seeds: tuple[int, ...]
    requirement: Requirement
    notes: tuple[str, ...]
    axis: Axis
    """What was varied."""
    sustained: Mapping[str, Sequence[float]]
    """By variant, of each replication, the highest load in rps that met the requirement, 0 if none did; or the fewest
    GPUs."""
    curves: Mapping[str, Mapping[float, Sequence[Figures]]]
    """By variant, and load in rps or number of GPUs, the figures of each replication."""
    descriptions: Mapping[str, Mapping[str, Any]]
    """Of each variant, what `run.json` says of the experiment as it is written."""

    def interval(self, variant: str) -> Interval:
        """Return the mean over replications of what is sustained."""
        return in_range(interval(self.sustained[variant]), WORDS[self.axis.name].figure)

    def difference(self, variant: str) -> Interval:
        """Return the same minus that of the first variant, paired by replication."""
        return paired_difference(self.sustained[variant], self.sustained[self.variants[0]])

    def pairs(self) -> list[Pair]:
        """Return how every two variants differ."""
        return pairs(self.sustained)

    def ranking(self) -> list[Ranked]:
        """Return the variants, that of the highest load, or of the fewest GPUs, first."""
        return ranking(self.sustained, self.pairs(), self.axis.higher_is_better)


def measure_capacity(
    sweep: Sweep, variants: Sequence[Variant], seeds: Sequence[int], requirement: Requirement, axis: Axis
) -> Capacity:
    """Search what every variant sustains at every seed, then simulate all of them at the same steps around it."""
    keys = [(variant, seed) for variant in variants for seed in seeds]
    searches = [
        Search(variant.name, variant.experiment.model_copy(update={"seed": seed}), sweep.profile, requirement, axis)
        for variant, seed in keys
    ]
    names = [sweep.name(each.experiment, "search", repr(axis), str(requirement)) for each in searches]
    found = _results(sweep, search, searches, names)
    steps = axis.curve([each["sustained"] for each in found])
    figures = {
        (variant.name, seed, int(step)): each
        for (variant, seed), of in zip(keys, found, strict=True)
        for step, each in of["tried"].items()
    }
    left = [
        (variant, seed, step) for variant, seed in keys for step in steps if (variant.name, seed, step) not in figures
    ]
    points = [
        Point(variant.experiment.model_copy(update={"seed": seed}), sweep.profile, axis, step)
        for variant, seed, step in left
    ]
    names = [sweep.name(each.experiment, "point", repr(axis), each.step) for each in points]
    for (variant, seed, step), each in zip(left, _results(sweep, point, points, names), strict=True):
        figures[variant.name, seed, step] = each
    sustained = dict(zip(((variant.name, seed) for variant, seed in keys), found, strict=True))
    return Capacity(
        tuple(variant.name for variant in variants),
        tuple(seeds),
        requirement,
        tuple(_notes(variants, seeds, sustained, requirement)),
        axis,
        {
            variant.name: [axis.value(sustained[variant.name, seed]["sustained"]) for seed in seeds]
            for variant in variants
        },
        {
            variant.name: {axis.value(step): [figures[variant.name, seed, step] for seed in seeds] for step in steps}
            for variant in variants
        },
        {variant.name: sustained[variant.name, seeds[0]]["run"] for variant in variants},
    )


def _results(sweep: Sweep, call: Any, tasks: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    found: dict[int, Path] = dict(sweep.results(call, tasks, names))
    return [json.loads((found[number] / FILE).read_bytes()) for number in range(len(tasks))]


def _notes(
    variants: Sequence[Variant], seeds: Sequence[int], found: Mapping[tuple[str, int], Any], requirement: Requirement
) -> Iterator[str]:
    if len(seeds) == 1:
        yield "one replication has no confidence interval"
    for variant in variants:
        if none := sum(found[variant.name, seed]["sustained"] is None for seed in seeds):
            yield f"{variant.name} meets {requirement} at no load at {none} of {len(seeds)} seeds; 0 rps there"
    yield from fitted_notes(each["run"] for each in found.values())
