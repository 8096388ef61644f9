"""Bubble-Up: each model's sensitivity to pressure, a curve that never falls."""

from collections.abc import Iterable, Sequence

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.predictors.instant import Instant
from isim.policies.predictors.loads import Loads
from isim.policies.predictors.observed import check_observation
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.predictor import Member, Observation

_BINS = 60
_WIDTH = 0.05
_ENOUGH = 20
"""Batches from which a model's own curve is believed."""
_ALL = ""


class BubbleUp(Instant):
    """Expect S(rho), S the isotonic regression of slowdown on rho, the largest total use over resources.

    Each model has a curve; before 20 batches of it, the curve of all stands for it. rho goes to 3 in steps of 0.05.

    Parameters
    ----------
    resources
        Columns of the profile; `memory` stands for `l2` and `dram` where only it was measured.
    features, alpha
        See `Instant`.

    Raises
    ------
    PredictorError
        A parameter is out of range; a resource was not measured.

    Examples
    --------
    >>> BubbleUp().resources
    ('sm', 'l2', 'dram')

    References
    ----------
    J. Mars et al., "Bubble-Up: Increasing utilization in modern warehouse scale computers via sensible co-locations",
    MICRO 2011.
    """

    def __init__(
        self,
        resources: tuple[str, ...] = ("sm", "l2", "dram"),
        features: ReadingName = "overlap",
        alpha: float = 0.5,
    ) -> None:
        super().__init__("bubble-up", [], features, alpha)
        self.resources = resources
        self._loads = Loads("bubble-up", resources)
        self._sums: dict[str, Floats] = {}
        self._curves: dict[str, Floats] = {}

    def slowdown_beside(self, target: Member, others: Sequence[Member]) -> float:
        """Return the sensitivity of the target's model at this pressure."""
        curve = self._curves.get(target.model, self._curves.get(_ALL))
        return 1.0 if curve is None else float(curve[self._bin(target, others)])

    def learn(self, observation: Observation) -> None:
        """Put the batch where its pressure was in the mean, and make the curve monotone again."""
        check_observation("bubble-up", observation)
        self._add(observation)
        self._smooth()

    def fit(self, observations: Iterable[Observation]) -> None:
        """Take in many."""
        for observation in observations:
            check_observation("bubble-up", observation)
            self._add(observation)
        self._smooth()

    def _add(self, observation: Observation) -> None:
        target = observation.target
        overlaps = self._reading.behind(observation.stays)
        beside = sum([weight for weight, others in overlaps if others])
        if not beside > 0.0:
            return
        place = sum([weight * self._bin(target, others) for weight, others in overlaps if others]) / beside
        slowdown = 1.0 + (observation.slowdown - 1.0) / beside
        for name in (target.model, _ALL):
            sums = self._sums.setdefault(name, np.zeros((2, _BINS)))
            sums[:, round(place)] += slowdown, 1.0

    def _smooth(self) -> None:
        for name, (total, count) in self._sums.items():
            if name == _ALL or count.sum() >= _ENOUGH:
                self._curves[name] = isotonic(total, count)

    def _bin(self, target: Member, others: Sequence[Member]) -> int:
        rho = np.sum([self._loads(member) for member in (target, *others)], axis=0).max()
        return min(int(rho / _WIDTH), _BINS - 1)


def isotonic(total: Floats, count: Floats) -> Floats:
    """Return the best curve that never falls, by pooling neighbours that do; empty bins take the value before them.

    Parameters
    ----------
    total, count
        Sum and number of values, bin by bin, shape (bins,).

    Examples
    --------
    >>> isotonic(np.array([1.0, 6.0, 0.0, 2.0]), np.array([1.0, 2.0, 0.0, 1.0])).round(3).tolist()
    [1.0, 2.667, 2.667, 2.667]
    """
    pools: list[list[float]] = []  # sum, number, first bin
    for place in np.flatnonzero(count):
        pools.append([float(total[place]), float(count[place]), float(place)])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
            last = pools.pop()
            pools[-1][0] += last[0]
            pools[-1][1] += last[1]
    curve = np.ones(len(count))
    for number, (of_pool, size, first) in enumerate(pools):
        curve[int(first) if number else 0 :] = of_pool / size
    return curve
