"""How much wider an interval must be where a mix was met seldom or never."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import NormalDist

from isim.policies.predictors.left_out import LeftOut
from isim.policies.predictors.mix import Mix

_LEVEL = 0.9
"""Of the intervals that predictors are held to: mean +- z sd."""
_STAGES = 6
"""Never met, met once, 2 or 3 times, 4 to 7, 8 to 15, more."""
_MEMORY = 100.0
"""Mixes, and batches of mixes that had been met, over which means reach."""
_MOST_KEPT = 4_000
"""Mixes of which it is known how often they were met."""


class Doubt:
    """Learn by how much squared errors exceed the variance that a predictor states, by how often a mix was met.

    Batches of one mix of models are off in the same way: error = (share of the time beside others) x (offset of the
    mix) + noise. A predictor that counts them all as independent knows the noise, and not the variance of offsets,
    which is missing wherever a mix was not met. It is found by the method of moments from predictions made before
    anything was learned of their mix: the mean of (error^2 - stated variance) / share^2 over mixes, not batches. From
    G mixes, what the errors of each have in common is known only so well; its square is widened by Student's t of G
    degrees, so that 90 % intervals hold.
    A predictor may learn the offset of a mix, more or less of it; so there is a mean for each number of times that a
    mix had been met, over batches, and each starts, as if from one batch, from that for fewer times.

    References
    ----------
    P. Swamy and S. Arora, Econometrica 40, 1972 (variance components by moments). P. Dawid, "Statistical theory: the
    prequential approach", JRSS A 147, 1984.
    """

    def __init__(self) -> None:
        self._met: dict[tuple[str, ...], int] = {}
        # By stage: how many, their mean, that smoothed by the stage before, and what is stated.
        self._seen, self._excess = [0.0] * _STAGES, [0.0] * _STAGES
        self._common = 0.0  # mean square of what the errors of a mix that was not met have in common
        self._smoothed, self._stated = [0.0] * _STAGES, [0.0] * _STAGES

    def variance(self, mix: Mix) -> float:
        """Return the variance to add to what the predictor states by itself."""
        models, share = mix
        return share * share * self._stated[min(self._met.get(models, 0).bit_length(), _STAGES - 1)]

    def learn(self, mix: Mix, error: float, variance: float) -> None:
        """Take in the error of a prediction that was made before its batch was learned from."""
        models, share = mix
        if not share > 0.0:
            return
        count = self._met.get(models, 0)
        if not count and len(self._met) >= _MOST_KEPT:
            del self._met[next(iter(self._met))]
        self._met[models] = count + 1
        stage, square = min(count.bit_length(), _STAGES - 1), share * share
        self._take(stage, square, (error * error - variance) / square, error * error / square)
        self._state(stage)

    def start(self, mixes: Iterable[Mix], left_out: Sequence[LeftOut]) -> None:
        """Start from batches that are known together.

        Parameters
        ----------
        mixes
            Of all that were trained on.
        left_out
            What is said of them by those that were not trained on them.
        """
        for models, share in mixes:
            if share > 0.0:
                self._met[models] = self._met.pop(models, 0) + 1
        self._met = dict(list(self._met.items())[-_MOST_KEPT:])
        unmet: defaultdict[tuple[str, ...], list[LeftOut]] = defaultdict(list)
        for each in left_out:
            square = each.mix.share**2
            if square and each.met:
                stage = min(each.met.bit_length(), _STAGES - 1)
                self._take(stage, square, (each.error**2 - each.variance) / square, 0.0, math.inf)
            elif square:
                unmet[each.mix.models].append(each)
        for of_mix in unmet.values():
            square = sum([each.mix.share**2 for each in of_mix])
            excess = sum([each.error**2 - each.variance for each in of_mix]) / square
            offset = sum([each.mix.share * each.error for each in of_mix]) / square
            self._take(0, square / len(of_mix), excess, offset**2, math.inf)
        self._seen = [min(seen, _MEMORY) for seen in self._seen]
        self._state(0)

    def _take(self, stage: int, weight: float, excess: float, common: float, most: float = _MEMORY) -> None:
        total = self._seen[stage] = min(self._seen[stage] + weight, most)
        self._excess[stage] += (excess - self._excess[stage]) * weight / total
        if stage == 0:
            self._common += (common - self._common) * weight / total

    def _state(self, first: int) -> None:
        """Work out what to state from a stage on."""
        if first == 0:
            seen, excess = self._seen[0], self._excess[0]
            self._smoothed[0] = excess
            self._stated[0] = max(excess + (_widening(seen) - 1.0) * self._common, 0.0) if seen > 1.0 else 0.0
        for stage in range(max(first, 1), _STAGES):
            total, before = self._seen[stage], min(sum(self._seen[:stage]), 1.0)
            known = total * self._excess[stage] + before * self._smoothed[stage - 1]
            smoothed = self._smoothed[stage] = known / max(total + before, 1.0)  # less than one batch shows is little
            self._stated[stage] = max(smoothed, 0.0)


def _widening(mixes: float) -> float:
    """Return by how much larger a variance must be for 90 % intervals that know it from so few mixes.

    Examples
    --------
    >>> round(_widening(3.0), 3)  # 2.353 / 1.645, squared
    2.047
    """
    from scipy.special import stdtrit

    quantile = 0.5 + _LEVEL / 2
    return (float(stdtrit(mixes, quantile)) / NormalDist().inv_cdf(quantile)) ** 2
