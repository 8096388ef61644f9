"""What is said of batches by a predictor that was trained without them, or without any of their mix."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from isim.policies.predictors.mix import Mix

_FOLDS = 5

Says = Callable[[int], tuple[float, float]]
"""Of the batch at a place: the error of what is said of it, and the variance that is stated."""


class LeftOut(NamedTuple):
    """A batch that was foretold by what others teach."""

    mix: Mix
    met: int
    """How many batches of its mix were among those others."""
    error: float
    variance: float


def leave_out(mixes: Sequence[Mix], trained: Callable[[list[int]], Says]) -> list[LeftOut]:
    """Leave out a fifth of the mixes at a time, and then a fifth of the batches.

    Parameters
    ----------
    mixes
        Of each batch.
    trained
        Trains anew on the batches at these places, and returns what is then said of others.
    """
    names = [mix.models for mix in mixes]
    place = {name: i for i, name in enumerate(dict.fromkeys(names))}
    shuffled = list(range(len(names)))
    random.Random(0).shuffle(shuffled)  # every fifth row of a campaign may be all that was measured of something
    found = []
    for unmet, of in ((True, [place[name] for name in names]), (False, shuffled)):
        folds = min(max(of) + 1, _FOLDS)
        for fold in range(folds if folds > 1 else 0):
            kept = [i for i, number in enumerate(of) if number % folds != fold]
            met = Counter([names[i] for i in kept])
            says = trained(kept)
            for i, number in enumerate(of):
                if number % folds == fold and (met[names[i]] == 0) == unmet:
                    found.append(LeftOut(mixes[i], met[names[i]], *says(i)))
    return found
