"""What a search of capacities varies: the load on the GPUs there are, or how many GPUs serve the load there is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from isim.building.inputs import Inputs
from isim.experiment import Experiment
from isim.profiler.profile import Profile

Met = Callable[[int], bool]
"""Simulates at a step and says whether the requirement is met there."""


class Words(NamedTuple):
    """How people and documents are told what was varied and found."""

    figure: str
    """The key of what was found."""
    point: str
    """The key of a place on a curve."""
    found: str
    capacity: str
    column: str
    unit: str
    really: str
    """How a better variant is called."""
    over: str
    """What curves are drawn over."""
    axis: str


WORDS = {
    "load": Words(
        "capacity_rps", "rate_rps", "Highest load", "capacity", "capacity, rps", "rps", "higher", "over the load",
        "load, rps",
    ),
    "gpus": Words(
        "fewest_gpus", "gpus", "Fewest GPUs", "fewest GPUs", "GPUs", "GPUs", "fewer", "by number of GPUs", "GPUs"
    ),
}  # fmt: skip
"""By the name of the axis."""


class Axis(Protocol):
    """Whole steps of what is varied, and the last of them that keeps a requirement."""

    name: ClassVar[str]
    """As `--over` takes it."""
    higher_is_better: ClassVar[bool]

    def at(self, experiment: Experiment, profile: Profile, step: int) -> tuple[Experiment, Inputs]:
        """Return an experiment and its inputs at a step."""
        ...

    def find(self, met: Met, variant: str, requirement: str) -> int | None:
        """Return the last step that keeps the requirement; None if no load does.

        Raises
        ------
        ExperimentError
            Every load keeps it, or no number of GPUs does.
        """
        ...

    def value(self, step: int | None) -> float:
        """Return the rate, or the number of GPUs, of a step."""
        ...

    def curve(self, found: Iterable[int | None]) -> Sequence[int]:
        """Return the steps, around those that were found, at which all variants are shown."""
        ...

    def described(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `run.json` says, without what is varied."""
        ...


def narrowed(below: int, above: int, is_above: Met) -> tuple[int, int]:
    """Bisect until two neighbours are left, of which only the second is above.

    Examples
    --------
    >>> narrowed(0, 8, lambda step: step >= 3)
    (2, 3)
    """
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if is_above(middle) else (middle, above)
    return below, above
