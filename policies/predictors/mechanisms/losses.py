"""Expected losses of a batch beside any others, each worked out once."""

from collections.abc import Sequence

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.predictors.mechanisms.expectation import PHASED, expected_losses
from isim.policies.predictors.mechanisms.phases import sample_phases
from isim.policies.predictors.mechanisms.turns import lost_in_turns, most_lost
from isim.policies.predictors.over_time.reading import Weighed
from isim.policies.predictors.predictor import Member
from isim.policies.predictors.profile_keys import ProfileKey, ProfileKeys

MECHANISMS = (*PHASED, "turns")
"""Where kernels take turns, what is lost to those of others."""
COMPANY = MECHANISMS.index("company")
MOST = len(MECHANISMS)
"""The column after those of mechanisms: the most that all can cost together."""

_MOST_KEPT = 20_000
"""Mixes; with 80 bytes each, and far more than a server of some models meets."""
_MOST_PHASES_KEPT = 1_000
"""Of 28 kB each."""


class Losses:
    """Look up what a batch loses to each mechanism of contention beside the same others.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.002, {"sm": 0.8}), Member("b", 1, 0.002, {"sm": 0.4})
    >>> dict(zip(MECHANISMS, Losses().of(a, [b]).round(3).tolist(), strict=False))["fair"]
    0.167
    """

    def __init__(self) -> None:
        self._key = ProfileKeys()
        self._phases: dict[tuple[ProfileKey, int], Floats] = {}
        self._losses: dict[tuple[ProfileKey, ...], Floats] = {}

    def of(self, target: Member, others: Sequence[Member]) -> Floats:
        """Return the losses, and the most that can be lost, shape (mechanisms + 1,), each 0..1."""
        key = self._key
        mix: tuple[ProfileKey, ...]
        mix = (key(target), key(others[0])) if len(others) == 1 else (key(target), *sorted(map(key, others)))
        losses = self._losses.get(mix)
        if losses is None:
            if len(self._losses) >= _MOST_KEPT:
                self._losses.clear()
            losses = self._losses[mix] = self._expect(target, others)
        return losses

    def over(self, target: Member, overlaps: Sequence[Weighed]) -> Floats:
        """Return the weighed mean over overlaps."""
        total = np.zeros(MOST + 1)
        for weight, others in overlaps:
            if others:
                total += weight * self.of(target, others)
        return total

    def _expect(self, target: Member, others: Sequence[Member]) -> Floats:
        if not others:
            return np.zeros(MOST + 1)
        tables = [self._table(target, 0)]
        tables += [self._table(other, slot) for slot, other in enumerate(sorted(others, key=self._key), start=1)]
        phased: Floats = expected_losses(np.array(tables))
        return np.append(phased, [lost_in_turns(target, others), most_lost(target, others)])

    def _table(self, member: Member, slot: int) -> Floats:
        key = self._key(member)
        table = self._phases.get((key, slot))
        if table is None:
            if len(self._phases) >= _MOST_PHASES_KEPT:
                self._phases.clear()
            table = self._phases[key, slot] = sample_phases(member, slot)
        return table
