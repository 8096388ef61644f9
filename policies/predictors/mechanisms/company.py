"""What usually comes beside a batch after what is beside it now."""

from collections.abc import Sequence

from isim.policies.kernels import Floats
from isim.policies.predictors.mechanisms.losses import Losses
from isim.policies.predictors.over_time.overlap import Overlap
from isim.policies.predictors.predictor import Member, Stay

_OWN = 30
_ALL = 300
"""Batches over which the means reach."""
_DOUBT = 3.0
"""Batches of its own that count as much as the mean of all."""

_Mean = tuple[float, Floats]


class Company:
    """Average the losses of batches to whoever came, apart by how many were beside them at their dispatch.

    A server that is busy now will be when a co-runner has left. A batch that started beside another is described by its
    overlaps after the first; one that started alone by all.

    Parameters
    ----------
    losses
        Of any mix.
    """

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._all: dict[int, _Mean] = {}
        self._own: dict[tuple[str, int, float, int], _Mean] = {}

    def expected(self, target: Member, beside: int) -> Floats | None:
        """Return the losses to expect, as `Losses.of`; None if no batch was seen alone, or none beside that few.

        Parameters
        ----------
        beside
            How many are beside it at its dispatch; the most that were seen stand for more.
        """
        known = [count for count in self._all if (count > 0) == (beside > 0) and count <= beside]
        if not known:
            return None
        like = max(known)
        everyone = self._all[like]
        own = self._own.get((target.model, target.batch_size, target.sm_share, like))
        if own is None:
            return everyone[1]
        trust = own[0] / (own[0] + _DOUBT)
        return trust * own[1] + (1.0 - trust) * everyone[1]

    def learn(self, target: Member, stays: Sequence[Stay]) -> None:
        """Take in the overlaps of a batch that finished."""
        if not stays:
            return
        beside = len(stays[0].co_runners)
        later = stays[1:] if beside else stays
        total_s = sum([stay.duration_s for stay in stays])
        later_s = sum([stay.duration_s for stay in later])
        if not later_s > 0.0:
            return
        losses = self._losses.over(target, Overlap().behind(later))
        weight = later_s / total_s
        self._all[beside] = _moved(self._all.get(beside), weight, losses, _ALL)
        key = target.model, target.batch_size, target.sm_share, beside
        self._own[key] = _moved(self._own.get(key), weight, losses, _OWN)


def _moved(mean: _Mean | None, weight: float, losses: Floats, most: float) -> _Mean:
    if mean is None:
        return weight, losses
    total = min(mean[0] + weight, most)
    return total, mean[1] + (losses - mean[1]) * (weight / total)
