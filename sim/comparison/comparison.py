"""What a comparison found: figures by variant and replication, and what follows from them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from isim.comparison.pairs import HIGHER_IS_BETTER, Pair, Ranked, pairs, ranking
from isim.comparison.ranges import difference_in_range, in_range
from isim.statistics import Interval, interval, paired_difference

Figures = Mapping[str, Any]
"""`total`, and `models` by name; each the figures of docs/metrics.md."""


class Comparison(NamedTuple):
    """The figures of several variants over replications."""

    variants: tuple[str, ...]
    """The first is the baseline."""
    seeds: tuple[int, ...]
    """Of the replications; every variant met the same requests and noise at a seed."""
    by: str
    """The figure by which variants are ranked."""
    notes: tuple[str, ...]
    """What a reader must know before trusting the figures."""
    descriptions: Mapping[str, Sequence[Mapping[str, Any]]]
    """Of each variant, what `run.json` says, by replication; its summary is of the whole run."""
    figures: Mapping[str, Sequence[Figures]]
    """Of each variant, by replication, without the warm-up."""
    warm_up_s: tuple[float, ...]
    """What was left out of each replication."""
    unsteady: Mapping[str, Sequence[int]]
    """The seeds at which a variant had no steady state; those at which all had one are not named."""
    folders: Mapping[str, str]
    """Of each variant, the name of the folder of its runs; empty if they are not kept."""

    def values(self, variant: str, figure: str, model: str | None = None) -> list[float] | None:
        """Return a figure of each replication; None where one does not have it.

        Parameters
        ----------
        figure
            A key of the figures, such as `latency_p99_s`.
        model
            Of which model; None for all together.
        """
        found = [figures_of(each, model).get(figure) for each in self.figures[variant]]
        known = [float(value) for value in found if value is not None]
        return known if known and len(known) == len(found) else None

    def interval(self, variant: str, figure: str, model: str | None = None) -> Interval | None:
        """Return the mean of a figure over replications; None where a replication does not have it."""
        values = self.values(variant, figure, model)
        return in_range(interval(values), figure) if values is not None else None

    def difference(
        self, variant: str, figure: str, model: str | None = None, other: str | None = None
    ) -> Interval | None:
        """Return the mean of a figure minus that of another variant, or of the first, paired by replication."""
        values, baseline = (self.values(name, figure, model) for name in (variant, other or self.variants[0]))
        if values is None or baseline is None:
            return None
        return difference_in_range(paired_difference(values, baseline), figure)

    def pairs(self) -> list[Pair]:
        """Return how every two variants differ in the ranking figure; those that have it in every replication."""
        return [
            pair._replace(difference=difference_in_range(pair.difference, self.by))
            for pair in pairs(self._ranked_values())
        ]

    def ranking(self) -> list[Ranked]:
        """Return the variants that have the ranking figure in every replication, the best first."""
        values = self._ranked_values()
        return ranking(values, pairs(values), self.by in HIGHER_IS_BETTER)

    def _ranked_values(self) -> dict[str, list[float]]:
        values = {variant: self.values(variant, self.by) for variant in self.variants}
        return {variant: each for variant, each in values.items() if each is not None}


def figures_of(figures: Figures, model: str | None) -> dict[str, Any]:
    """Return the figures of a model, none where it had no requests; None for all together."""
    found: dict[str, Any] = figures["total"] if model is None else figures["models"].get(model, {})
    return found
