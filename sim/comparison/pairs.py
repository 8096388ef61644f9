"""Which variants really differ: all pairs by paired differences, corrected for their number."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from isim.statistics import Interval, paired_difference

LEVEL = 0.05
"""Probability that variants which are all alike are said to differ anywhere."""

HIGHER_IS_BETTER = ("attainment", "goodput_rps", "throughput_rps")
LOWER_IS_BETTER = (
    "latency_mean_s",
    "latency_p50_s",
    "latency_p90_s",
    "latency_p95_s",
    "latency_p99_s",
    "latency_p99_9_s",
    "queueing_mean_s",
    "interference_mean_s",
    "late",
    "rejected",
    "dropped",
)
RANKING = (*HIGHER_IS_BETTER, *LOWER_IS_BETTER)
"""The figures by which variants can be ranked."""


class Pair(NamedTuple):
    """How two variants differ."""

    first: str
    second: str
    difference: Interval
    """First minus second."""
    p: float | None
    """Probability of a difference at least as large between equals; None with fewer than two replications."""
    p_holm: float | None
    """The same, corrected for the number of pairs."""

    @property
    def real(self) -> bool:
        """Whether the corrected probability is below 5 %."""
        return self.p_holm is not None and self.p_holm < LEVEL

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        low, high = self.difference.low, self.difference.high
        return {
            "variant": self.first,
            "minus": self.second,
            "mean": self.difference.mean,
            "ci95": None if low is None else [low, high],
            "p": self.p,
            "p_holm": self.p_holm,
            "real": self.real,
        }


class Ranked(NamedTuple):
    """A variant's place."""

    variant: str
    rank: int
    """The place of the best variant than which it is not really worse, in order of the means."""
    better_than: tuple[str, ...]
    """The variants that it is really better than."""


def pairs(values: Mapping[str, Sequence[float]]) -> list[Pair]:
    """Compare every two variants, replication by replication, and correct by Holm for the number of pairs.

    Parameters
    ----------
    values
        By variant, a figure of each replication; the same luck at the same position.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    Examples
    --------
    >>> found = pairs({"a": [3.0, 4.1, 5.0, 6.2], "b": [1.0, 2.0, 3.0, 4.0], "c": [1.0, 2.2, 2.9, 4.0]})
    >>> [(pair.first, pair.second, pair.real) for pair in found]
    [('a', 'b', True), ('a', 'c', True), ('b', 'c', False)]
    """
    named = list(combinations(values, 2))
    alone = [p_value(values[first], values[second]) for first, second in named]
    known = holm([p for p in alone if p is not None])
    corrected = iter(known)
    return [
        Pair(first, second, paired_difference(values[first], values[second]), p, None if p is None else next(corrected))
        for (first, second), p in zip(named, alone, strict=True)
    ]


def p_value(values: Sequence[float], others: Sequence[float]) -> float | None:
    """Return the two-sided p-value of the paired t test; None with fewer than two replications.

    Differences that are all zero, to rounding, are those of equals; if they are all alike and not zero, p is 0.

    Examples
    --------
    >>> round(p_value([1.0, 2.0, 4.0], [0.0, 0.0, 1.0]), 4)
    0.0742
    """
    differences = [value - other for value, other in zip(values, others, strict=True)]
    count = len(differences)
    if count < 2:
        return None
    size = max(map(abs, [*values, *others]))
    mean = math.fsum(differences) / count
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in differences) / (count - 1))
    if abs(mean) <= 1e-12 * size:
        return 1.0
    if deviation <= 1e-12 * size:
        return 0.0
    from scipy.special import stdtr  # slow to import

    return 2.0 * float(stdtr(count - 1, -abs(mean) / deviation * math.sqrt(count)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, so that the chance of any false difference is kept.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, number in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[number]))
        corrected[number] = highest
    return corrected


def ranking(values: Mapping[str, Sequence[float]], found: Sequence[Pair], higher_is_better: bool) -> list[Ranked]:
    """Return the variants, the best mean first.

    Parameters
    ----------
    found
        What `pairs` said of these values.
    """
    sign = 1.0 if higher_is_better else -1.0
    better = [
        (pair.first, pair.second) if sign * pair.difference.mean > 0 else (pair.second, pair.first)
        for pair in found
        if pair.real
    ]
    order = sorted(values, key=lambda variant: -sign * math.fsum(values[variant]))
    ranked: list[Ranked] = []
    leader = 0
    for place, variant in enumerate(order):
        if (order[leader], variant) in better:
            leader = place
        ranked.append(Ranked(variant, leader + 1, tuple(loser for winner, loser in better if winner == variant)))
    return ranked
