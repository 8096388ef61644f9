"""What is left to foretell in measured pairs: errors of one who is told almost everything of them."""

from collections import defaultdict
from statistics import median

import numpy as np

from isim.evaluation.cases import Cases


def told_all_but_the_mix(cases: Cases) -> float:
    """Return the mean relative error of one who is told each slowdown, but not what its mix of models has in common.

    The mean of a mix is taken to be that of all other mixes. Whoever foretells how batches of a mix differ, and not how
    mixes differ as a whole, does no better.
    """
    slowdown = np.array([case.observation.slowdown for case in cases.cases])
    mixes = np.array([" + ".join(sorted(case.models)) for case in cases.cases])
    said = np.empty(len(slowdown))
    for mix in set(mixes.tolist()):
        own = mixes == mix
        said[own] = slowdown[own] - slowdown[own].mean() + slowdown[~own].mean()
    return float(np.mean(np.abs(said - slowdown) / slowdown))


def told_of_its_like(cases: Cases) -> float | None:
    """Return the mean relative error of one who is told of all executions of a batch beside the same model but this.

    These differ in the batch size of the other only; None where most batches have fewer than three such. What is left
    is that difference, and what a measurement does not repeat.
    """
    likes: dict[tuple[object, ...], list[int]] = defaultdict(list)
    slowdown = [case.observation.slowdown for case in cases.cases]
    for place, case in enumerate(cases.cases):
        target, _, stays, _ = case.observation
        others = tuple(sorted((member.model, member.sm_share) for member in stays[0].co_runners))
        likes[target.model, target.batch_size, target.sm_share, others].append(place)
    errors = []
    for places in likes.values():
        if len(places) > 3:
            for place in places:
                said = median([slowdown[other] for other in places if other != place])
                errors.append(abs(said - slowdown[place]) / slowdown[place])
    return float(np.mean(errors)) if len(errors) > len(slowdown) / 2 else None
