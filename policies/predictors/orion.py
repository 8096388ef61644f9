"""Orion's rule: kernels of the same class interfere, others do not."""

from collections.abc import Sequence

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.predictors.instant import Instant
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.parameters import number
from isim.policies.predictors.predictor import Member
from isim.policies.predictors.profile_keys import ProfileKey, ProfileKeys

_COMPUTE, _MEMORY, _UNKNOWN = 1, 0, -1
_MOST_KEPT = 20_000


class Orion(Instant):
    """Expect `same` of kernels that meet one of their own class, and 1 of all others.

    A kernel is compute-bound at 60 % of the SMs' throughput, else memory-bound at 60 % of the DRAM's, else unknown, as
    Orion has it where no arithmetic intensity was measured. Of batches it is the share of time that the classes of two
    kernels agree, as if neither knew of the other. The rule is optimistic: kernels of two classes can still collide.

    Parameters
    ----------
    same
        Slowdown of a kernel beside one of its class, at least 1.
    threshold
        Use of a resource from which a kernel is bound by it, 0..1.
    features, alpha
        See `Instant`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.002, {"sm": 0.8}), Member("b", 1, 0.002, {"dram": 0.7})
    >>> Orion().slowdown_beside(a, [b]), Orion().slowdown_beside(a, [a])
    (1.0, 1.5)

    References
    ----------
    F. Strati et al., "Orion: Interference-aware, fine-grained GPU sharing for ML applications", EuroSys 2024.
    """

    def __init__(
        self, same: float = 1.5, threshold: float = 0.6, features: ReadingName = "remaining", alpha: float = 0.5
    ) -> None:
        self.same, self.threshold = same, threshold
        checks = [number("same", same, at_least=1), number("threshold", threshold, at_least=0, at_most=1)]
        super().__init__("orion", checks, features, alpha)
        self._key = ProfileKeys()
        self._known: dict[ProfileKey, dict[int, float]] = {}

    def slowdown_beside(self, target: Member, others: Sequence[Member]) -> float:
        """Return 1 + (same - 1) x share of the batch's time in which any other is of the same class."""
        own = self._classes(target)
        slowed = 0.0
        for kind in (_COMPUTE, _MEMORY):
            free = 1.0
            for other in others:
                free *= 1.0 - self._classes(other)[kind]
            slowed += own[kind] * (1.0 - free)
        return 1.0 + (self.same - 1.0) * slowed

    def _classes(self, member: Member) -> dict[int, float]:
        key = self._key(member)
        shares = self._known.get(key)
        if shares is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            shares = self._known[key] = self._classify(member)
        return shares

    def _classify(self, member: Member) -> dict[int, float]:
        if member.kernels is None:
            sm, dram = (np.array([member.features.get(name, np.nan)]) for name in ("sm", "dram"))
            time: Floats = np.ones(1)
        else:
            nothing = np.full(len(member.kernels.duration_s), np.nan)
            sm, dram = (member.kernels.resources.get(name, nothing) for name in ("sm", "dram"))
            time = member.kernels.duration_s / (member.kernels.duration_s.sum() + member.kernels.gap_s.sum())
        compute = sm >= self.threshold  # NaN is not
        memory = ~compute & (dram >= self.threshold)
        return {_COMPUTE: float(time[compute].sum()), _MEMORY: float(time[memory].sum()), _UNKNOWN: 0.0}
