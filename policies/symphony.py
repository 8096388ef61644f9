"""Symphony: deferred batching."""

import math
from typing import ClassVar

from isim.policies.deadlines import batch_solo_s
from isim.policies.deferred import Deferred, Opening
from isim.policies.policy import Request, View


class Symphony(Deferred):
    """Hold a batch back until one more request could no longer join it in time, then send it.

    The candidate of a model is the most of its requests that can be in time together. It may start from the moment
    when a batch one larger would be late (or when no larger one is possible) until the moment when it would be late
    itself; of the candidates in that window the one with the earliest end of it goes first. Requests that cannot be in
    time alone are dropped; without a deadline nothing is held back. The slots stand for the original's GPUs.

    Parameters
    ----------
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
    serving using deferred batch scheduling", arXiv 2308.07470.
    """

    _name: ClassVar[str] = "symphony"

    def opening(self, view: View, batch: tuple[Request, ...], more_wait: bool) -> Opening:
        """Return when a batch one larger would be late, in the order of when it would be late itself."""
        due_s = batch[0].deadline_s
        closes_s = due_s - batch_solo_s(view.profile, batch) * self.slowdown
        samples = sum(request.samples for request in batch) + 1
        if due_s == math.inf or more_wait or samples > self._limits.of(view, batch[0].model):
            return Opening(view.now_s, closes_s)
        work = max(request.work for request in batch)
        return Opening(due_s - view.profile.solo_s(batch[0].model, samples) * work * self.slowdown, closes_s)
