"""Symphony: deferred batching."""

import math
from typing import ClassVar, Literal

from isim.policies.deadlines import batch_solo_s
from isim.policies.deferred import Deferred, Opening
from isim.policies.early_drop import last_in_time, window
from isim.policies.parameters import Check, choice
from isim.policies.planners.symphony import target_batch_size
from isim.policies.policy import Decision, Drop, Request, View


class Symphony(Deferred):
    """Hold a batch back until one more request could no longer join it in time, then send it.

    The candidate of a model is the most of its requests that can be in time together. It may start from the moment
    when a batch one larger would be late (or when no larger one is possible) until the moment when it would be late
    itself; of the candidates in that window the one with the earliest end of it goes first. Requests that cannot be in
    time alone are dropped, and so are, with the drop policy `window`, those with too little time for a batch of the
    size that suits the model's rate and objective, or of as many as can be in time together, if that is less. Without a
    deadline nothing is held back. The slots stand for the original's GPUs.

    Parameters
    ----------
    drop
        `window` (early drop, the default of its authors' code) or `earliest` (lazy drop).
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.
    slowdown
        Factor on profiled durations, at least 1. The original has GPUs to itself, so 1; beside co-runners the window is
        then too late.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.004), ("a", 0.012), ("a", 0.018)]
    >>> print(rehearse(Symphony(), arrivals, solo_s=0.010, slo_s=0.030, batch_sizes=(1, 2, 3)))
    12 ms: a 0 1 2
    38 ms: a 3

    References
    ----------
    L. Chen, W. Deng, A. Canumalla, Y. Xin, D. Zhuo, M. Philipose, A. Krishnamurthy, "Symphony: Optimized DNN model
    serving using deferred batch scheduling", arXiv 2308.07470. The window is that of
    `IncrementalBatchPolicy::UpdateInternal` in src/nexus/dispatcher/batch_policy.cpp of github.com/abcdabcd987/nexuslb,
    which moves it at arrivals too; here it moves only when a slot is free.
    """

    _name: ClassVar[str] = "symphony"

    def __init__(
        self, drop: Literal["window", "earliest"] = "window", max_batch: int | None = None, slowdown: float = 1.0
    ) -> None:
        self.drop = drop
        super().__init__(max_batch, slowdown)

    def own_checks(self) -> tuple[Check, ...]:
        """Check the drop policy."""
        return (choice("drop", self.drop, "window", "earliest"),)

    def sort_out(self, view: View) -> tuple[dict[str, list[Request]], list[Decision]]:
        """Drop what cannot be in time alone and, early, what is in the way of a batch of the target size."""
        waiting, drops = super().sort_out(view)
        if self.drop == "earliest":
            return waiting, drops
        for model, queue in waiting.items():
            if queue and (late := self._passed(view, model, queue)):
                drops.append(Drop(queue[:late], "would keep a batch small"))
                waiting[model] = queue[late:]
        return waiting, drops

    def _passed(self, view: View, model: str, queue: list[Request]) -> int:
        """Return how many requests have too little time for the batch that is wanted, or possible."""
        limit = self._limits.of(view, model)
        possible = last_in_time(queue, limit, view.profile, view.now_s, self.slowdown)
        if window(queue, possible, view.profile, view.now_s, self.slowdown)[0] == 0:
            return 0
        durations_s = [view.profile.solo_s(model, size) * self.slowdown for size in range(1, limit + 1)]
        slo_s = queue[0].deadline_s - queue[0].arrived_s
        wanted = target_batch_size(durations_s, slo_s, view.arrival_rate_rps(model))
        return window(queue, min(wanted, possible), view.profile, view.now_s, self.slowdown)[0]

    def opening(self, view: View, batch: tuple[Request, ...], more_wait: bool) -> Opening:
        """Return when a batch one larger would be late, in the order of when it would be late itself."""
        due_s = batch[0].deadline_s
        closes_s = due_s - batch_solo_s(view.profile, batch) * self.slowdown
        samples = sum(request.samples for request in batch) + 1
        if due_s == math.inf or more_wait or samples > self._limits.of(view, batch[0].model):
            return Opening(view.now_s, closes_s)
        work = max(request.work for request in batch)
        return Opening(due_s - view.profile.solo_s(batch[0].model, samples) * work * self.slowdown, closes_s)
