"""A table of mean slowdowns, by who runs beside whom."""

from collections.abc import Iterable, Sequence

from isim.policies.predictors.instant import Instant
from isim.policies.predictors.observed import check_observation
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.predictor import Member, Observation

_MOST_KEPT = 20_000
_Key = tuple[tuple[str, int, float], ...]


class PairTable(Instant):
    """Remember the mean slowdown of each batch beside each other: gpulets' table, learned and not measured beforehand.

    A batch's slowdown is 1 + sum over co-runners of (share of its time) x (excess beside it): an error is divided among
    them by these shares. A pair that never met is expected to be as the mean of all.

    Parameters
    ----------
    features, alpha
        See `Instant`.

    Raises
    ------
    PredictorError
        A parameter is out of range.

    Examples
    --------
    >>> from isim.policies.predictors.predictor import CoRunner, Stay
    >>> a, b = Member("a", 1, 0.002, {}), Member("b", 1, 0.004, {})
    >>> table = PairTable()
    >>> table.learn(Observation(a, 0.003, [Stay(0.003, (b,))], 0.002))
    >>> table.predict(a, [CoRunner(b)]).slowdown
    1.5
    """

    def __init__(self, features: ReadingName = "overlap", alpha: float = 0.5) -> None:
        super().__init__("pair-table", [], features, alpha)
        self._excess: dict[_Key, tuple[float, float]] = {}
        self._all = (0.0, 0.0)

    def slowdown_beside(self, target: Member, others: Sequence[Member]) -> float:
        """Return 1 and the excess beside each."""
        return 1.0 + sum([self._excess.get(_pair(target, other), self._all)[1] for other in others])

    def learn(self, observation: Observation) -> None:
        """Divide the error among the pairs that met, by the time they did."""
        check_observation("pair-table", observation)
        overlaps = self._reading.behind(observation.stays)
        met: dict[_Key, float] = {}
        for weight, others in overlaps:
            for other in others:
                pair = _pair(observation.target, other)
                met[pair] = met.get(pair, 0.0) + weight
        square = sum([weight * weight for weight in met.values()])
        if not square > 0.0:
            return
        said = sum([weight * self._excess.get(pair, self._all)[1] for pair, weight in met.items()])
        error = observation.slowdown - 1.0 - said
        for pair, weight in met.items():
            count, excess = self._excess.get(pair, (0.0, self._all[1]))
            if count == 0.0 and len(self._excess) >= _MOST_KEPT:
                del self._excess[next(iter(self._excess))]
            # The step to what would have met this batch, one n-th of it at the n-th meeting.
            step = weight * error / square / (count + 1.0)
            self._excess[pair] = count + 1.0, excess + step
        count, mean = self._all
        total = sum(met.values())
        self._all = count + 1.0, mean + ((observation.slowdown - 1.0) / max(total, 1e-3) - mean) / (count + 1.0)

    def fit(self, observations: Iterable[Observation]) -> None:
        """Take in many."""
        for observation in observations:
            self.learn(observation)


def _pair(target: Member, other: Member) -> _Key:
    return (target.model, target.batch_size, target.sm_share), (other.model, other.batch_size, other.sm_share)
