"""Every overlap by its duration, those to come foreseen from the work that is left."""

import math
from collections.abc import Sequence

from isim.policies.predictors.over_time.overlap import Overlap
from isim.policies.predictors.over_time.reading import Slowdown, Weighed, is_over
from isim.policies.predictors.predictor import CoRunner, Member, Stay


class Remaining(Overlap):
    """Weigh by duration, and let co-runners leave when their own work is done: progress / time = 1 / slowdown.

    It foresees no arrival. Source: the progress-aware reading of `Prophet` (ASPLOS'17), without kernels.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.004, {}), Member("b", 1, 0.003, {})
    >>> overlaps = Remaining().ahead(a, [CoRunner(b, 0.002)], [], lambda target, others: 1.0)
    >>> [(round(weight, 12), len(others)) for weight, others in overlaps]
    [(0.25, 1), (0.75, 0)]
    """

    def ahead(
        self, target: Member, co_runners: Sequence[CoRunner], so_far: Sequence[Stay], slowdown: Slowdown
    ) -> list[Weighed]:
        """Return what is behind it and every overlap until it finishes, if nothing arrives."""
        left_s = target.solo_s
        elapsed_s = 0.0
        for duration_s, others in so_far:
            left_s -= duration_s / slowdown(target, others)
            elapsed_s += duration_s
        stays = list(so_far)
        if left_s > 0.0 and not is_over(target, co_runners, elapsed_s):
            stays += self._foreseen(target, left_s, co_runners, bool(so_far), slowdown)
        elif not stays:
            stays = [Stay(1.0, tuple([member for member, _ in co_runners]))]
        return self.behind(stays)

    def _foreseen(
        self, target: Member, left_s: float, co_runners: Sequence[CoRunner], runs: bool, slowdown: Slowdown
    ) -> list[Stay]:
        beside = [member for member, _ in co_runners]
        works_s = []
        for index, (member, elapsed_s) in enumerate(co_runners):
            others = beside[:index] + beside[index + 1 :] + ([target] if runs else [])
            works_s.append(max(0.0, member.solo_s - elapsed_s / slowdown(member, others)))
        stays = []
        while left_s > 0.0:
            pace = slowdown(target, beside)
            paces = [slowdown(m, [*beside[:i], *beside[i + 1 :], target]) for i, m in enumerate(beside)]
            leaves_s = [work_s * each for work_s, each in zip(works_s, paces, strict=True)]
            next_s = min(leaves_s, default=math.inf)
            stays.append(Stay(min(next_s, left_s * pace), tuple(beside)))
            left_s -= next_s / pace
            stayed = [i for i, leave_s in enumerate(leaves_s) if leave_s > next_s]
            works_s = [works_s[i] - next_s / paces[i] for i in stayed]
            beside = [beside[i] for i in stayed]
        return stays
