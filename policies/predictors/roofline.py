"""Bandwidth sharing without a fit: what the scarcest resource leaves, in the mean over phases."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from isim.policies.parameters import choice
from isim.policies.predictors.instant import Instant
from isim.policies.predictors.mechanisms.expectation import expected_slowdown
from isim.policies.predictors.mechanisms.phases import sample_phases
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.predictor import Member
from isim.policies.predictors.profile_keys import ProfileKey, ProfileKeys

_MOST_KEPT = 20_000


class Roofline(Instant):
    """Share each resource, and expect the mean slowdown over the phases of all, as if none knew of the other.

    Parameters
    ----------
    shares
        `max-min`: slowdown = most of (asked / max-min fair share) over resources; `fair`: of all max(1, total asked).
    granularity
        `kernel`, or `batch`: averages of whole batches, which expects too little since the maximum is convex.
    features, alpha
        See `Instant`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.002, {"sm": 0.8}), Member("b", 1, 0.002, {"sm": 0.7})
    >>> [round(Roofline(shares).slowdown_beside(a, [b]), 3) for shares in ("fair", "max-min")]
    [1.5, 1.6]
    """

    def __init__(
        self,
        shares: Literal["max-min", "fair"] = "max-min",
        granularity: Literal["kernel", "batch"] = "kernel",
        features: ReadingName = "remaining",
        alpha: float = 0.5,
    ) -> None:
        self.shares, self.granularity = shares, granularity
        checks = [choice("shares", shares, "max-min", "fair"), choice("granularity", granularity, "kernel", "batch")]
        super().__init__("roofline", checks, features, alpha)
        self._key = ProfileKeys()
        self._known: dict[tuple[ProfileKey, ...], float] = {}

    def slowdown_beside(self, target: Member, others: Sequence[Member]) -> float:
        """Return the mean over phases; each mix is worked out once."""
        beside = sorted(others, key=self._key)
        mix = (self._key(target), *map(self._key, beside))
        slowdown = self._known.get(mix)
        if slowdown is None:
            members = [target, *beside]
            if self.granularity == "batch":
                members = [member._replace(kernels=None) for member in members]
            tables = np.array([sample_phases(member, slot) for slot, member in enumerate(members)])
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            slowdown = self._known[mix] = float(expected_slowdown(tables, self.shares == "fair"))
        return slowdown
