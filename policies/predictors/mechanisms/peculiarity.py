"""How batches of one kind differ from what mechanisms say of them."""

import math
import statistics
from collections import deque

from isim.policies.predictors.predictor import Member

_KEPT = 16
"""Ratios kept of each kind beside each set of models: the median of so many is stable, and follows a change."""
_MOST_PARTNERS = 16
_DOUBT = 3.0
"""Batches that count as much as what other partners say."""
_MEMORY = 0.999
"""Weight of what was learned of carrying over, relative to the next."""

_Kind = tuple[str, int, float]
Partners = tuple[str, ...]
"""Models that were beside a batch together, sorted."""


class Peculiarity:
    """Keep, per kind of batch, the median of log(measured / predicted) beside each set of models.

    Medians, since measured slowdowns have two modes where a library picks one of two kernels. Beside models that a kind
    has not met, its correction is the median over those it has, times how well such a median has foretold so far.
    """

    def __init__(self) -> None:
        self._ratios: dict[_Kind, dict[Partners, deque[float]]] = {}
        self._medians: dict[_Kind, dict[Partners, float]] = {}
        # Sums of (median over other partners) x (median beside these), and of its square: their ratio is the slope.
        self._product, self._square = 0.0, 1e-4

    def learn(self, target: Member, partners: Partners, ratio: float) -> None:
        """Take in measured / predicted of a batch."""
        kind = target.model, target.batch_size, target.sm_share
        ratios = self._ratios.setdefault(kind, {})
        medians = self._medians.setdefault(kind, {})
        if partners not in ratios and len(ratios) >= _MOST_PARTNERS:
            oldest = next(iter(ratios))
            del ratios[oldest], medians[oldest]
        kept = ratios.setdefault(partners, deque(maxlen=_KEPT))
        kept.append(math.log(ratio))
        medians[partners] = statistics.median(kept)
        if len(medians) > 1:
            carried = self._median_of_others(kind, partners)
            self._product = _MEMORY * self._product + carried * medians[partners]
            self._square = _MEMORY * self._square + carried * carried

    def factor(self, target: Member, partners: Partners) -> float:
        """Return measured / predicted to expect."""
        kind = target.model, target.batch_size, target.sm_share
        medians = self._medians.get(kind)
        if not medians:
            return 1.0
        carried = 0.0
        if len(medians) > (partners in medians):
            slope = min(max(self._product / self._square, 0.0), 1.0)
            carried = slope * self._median_of_others(kind, partners)
        own = medians.get(partners)
        if own is None:
            return math.exp(carried)
        trust = len(self._ratios[kind][partners])
        return math.exp((trust * own + _DOUBT * carried) / (trust + _DOUBT))

    def _median_of_others(self, kind: _Kind, partners: Partners) -> float:
        return statistics.median(
            [each for other, kept in self._ratios[kind].items() if other != partners for each in kept]
        )
