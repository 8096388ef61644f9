"""How sure a mean error is: a bootstrap over stretches of a run, or over the mixes of a recording."""

from collections.abc import Sequence

import numpy as np

from isim.evaluation.cases import Case
from isim.operations import Floats

_SAMPLES = 1000
_STRETCHES = 30


class Resampling:
    """Resample batches together that are not independent: those of a mix, or of a stretch of a run.

    Parameters
    ----------
    cases
        In the order in which errors will be given.
    seed
        Of the bootstrap; comparisons of the same cases use the same samples.

    References
    ----------
    Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 2.4 and 8.2 (percentiles; blocks).
    """

    def __init__(self, cases: Sequence[Case], seed: int) -> None:
        mixes = [case.mix for case in cases]
        if all(mixes):
            codes = {mix: code for code, mix in enumerate(sorted(set(mixes)))}
            self._block = np.array([codes[mix] for mix in mixes])
        else:
            parts = np.array_split(np.arange(len(cases)), min(_STRETCHES, len(cases)))
            self._block = np.empty(len(cases), dtype=np.int64)
            # In order of time, whatever the order of the folds that the cases come from.
            self._block[np.argsort([case.finished_s for case in cases], kind="stable")] = np.repeat(
                np.arange(len(parts)), [len(part) for part in parts]
            )
        blocks = int(self._block.max()) + 1
        draws = np.random.default_rng(seed).integers(0, blocks, (_SAMPLES, blocks))
        self._weights = np.stack([np.bincount(draw, minlength=blocks) for draw in draws]).astype(np.float64)
        self._counts = self._weights @ np.bincount(self._block)

    def mean(self, errors: Floats) -> list[float]:
        """Return the 95 % interval of the mean of errors, one a case."""
        return self._interval(self._sums(errors) / self._counts)

    def difference(self, errors: Floats, others: Floats) -> dict[str, float]:
        """Return the mean of `errors` - `others`, case by case, and its 95 % interval."""
        low, high = self.mean(errors - others)
        return {"mean": float(np.mean(errors - others)), "low": low, "high": high}

    def ratio(self, errors: Floats, others: Floats) -> dict[str, float] | None:
        """Return mean of `errors` / mean of `others` and its 95 % interval; None if `others` are all 0."""
        theirs = self._sums(others)
        if not theirs.all():
            return None
        low, high = self._interval(self._sums(errors) / theirs)
        return {"ratio": float(np.mean(errors) / np.mean(others)), "low": low, "high": high}

    def _sums(self, errors: Floats) -> Floats:
        sums: Floats = self._weights @ np.bincount(self._block, errors)
        return sums

    @staticmethod
    def _interval(values: Floats) -> list[float]:
        return [float(value) for value in np.percentile(values, [2.5, 97.5])]
