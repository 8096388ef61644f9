"""The same requests on another number of GPUs, all alike."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from isim.building.gpu_list import in_place_of
from isim.building.inputs import Inputs, load_inputs
from isim.comparison.axis import Met, narrowed
from isim.comparison.variants import Variant
from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.profiler.profile import Profile

_APART = 0.25
"""Doublings between the numbers of a curve, rounded to whole GPUs."""
_BEYOND = 2
"""Numbers of a curve below the lowest and above the highest found."""


@dataclass(frozen=True)
class Gpus:
    """Vary how many GPUs there are, for the fewest that sustain the load."""

    start: int
    """Where the search begins."""
    most: int
    """Where it ends."""

    name: ClassVar[str] = "gpus"
    higher_is_better: ClassVar[bool] = False

    @classmethod
    def around(cls, variants: Sequence[Variant], most: int) -> "Gpus":
        """Return the axis for a search that begins at the number which the variants are written with, two at least.

        Raises
        ------
        ExperimentError
            Their GPUs are of several kinds, or the variants differ in how many there are.
        """
        given = {variant.name: variant.experiment.gpu_profiles for variant in variants}
        if several := next((name for name, profiles in given.items() if len(set(profiles)) > 1), None):
            found = ", ".join(dict.fromkeys(given[several]))
            raise ExperimentError(
                f"capacity: GPUs of several profiles (found {found} of {several}); give one, of which GPUs are added"
            )
        counts = {len(profiles) for profiles in given.values()}
        if len(counts) > 1:
            raise ExperimentError(
                f"capacity: variants with different numbers of GPUs (found {', '.join(map(str, sorted(counts)))}); "
                "leave gpus out of them: it is what is searched"
            )
        return cls(min(max(2, *counts), most), most)

    def at(self, experiment: Experiment, profile: Profile, step: int) -> tuple[Experiment, Inputs]:
        """Return an experiment with as many GPUs, and its inputs."""
        experiment = with_gpus(experiment, step)
        return experiment, load_inputs(experiment, profile)

    def find(self, met: Met, variant: str, requirement: str) -> int:
        """Double or halve the number until one keeps the requirement and its half does not; bisect to one GPU."""
        above = self.start
        if met(above):
            while above > 1 and met(above // 2):
                above //= 2
            return narrowed(above // 2, above, met)[1]
        while above < self.most:
            below, above = above, min(2 * above, self.most)
            if met(above):
                return narrowed(below, above, met)[1]
        raise ExperimentError(
            f"capacity: {requirement} does not hold of {variant} on any number of GPUs up to {self.most}; lower the "
            "rate, or allow more with --most-gpus"
        )

    def value(self, step: int | None) -> float:
        """Return the number of GPUs of a step."""
        assert step is not None  # it would have been refused
        return float(step)

    def curve(self, found: Iterable[int | None]) -> Sequence[int]:
        """Return numbers of GPUs a fifth apart, or one."""
        known = [step for step in found if step is not None]
        doublings = math.ceil(math.log2(self.most))
        every = {round(2 ** (number * _APART)) for number in range(math.ceil(doublings / _APART) + 1)}
        below = sorted(count for count in every if count < min(known))[-_BEYOND:]
        within = (count for count in every if min(known) <= count <= max(known))
        above = sorted(count for count in every if max(known) < count <= self.most)[:_BEYOND]
        return sorted({*below, *within, *known, *above})

    def described(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """Return the description with the numbers that were searched in place of the first one tried."""
        return {**description, "parameters": {**description["parameters"], "gpus": f"1 to {self.most}"}}


def with_gpus(experiment: Experiment, count: int) -> Experiment:
    """Return an experiment with another number of the GPUs that it has."""
    return experiment.model_copy(update={"gpus": in_place_of(experiment.gpus, count)})
