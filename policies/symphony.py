"""Symphony: deferred batching."""

import math
from collections.abc import Iterable

from isim.policies.deadlines import batch_solo_s, most_in_time, sort_out
from isim.policies.expiry import HALF_NS
from isim.policies.filling import Candidate, fill_slots
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, number, whole
from isim.policies.policy import Decision, Event, Request, View, WakeAt


class Symphony:
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

    def __init__(self, max_batch: int | None = None, slowdown: float = 1.0) -> None:
        check_parameters("symphony", whole("max_batch", max_batch), number("slowdown", slowdown, 1.0))
        self.max_batch = max_batch
        self.slowdown = slowdown
        self._limits = Limits("symphony", max_batch)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Drop what cannot be in time, send what may not wait longer, and ask to be woken for the rest."""
        if refused := self._limits.refusal(view, event):
            return refused
        free = view.free_slots
        if not free:
            return ()
        waiting, decisions = sort_out(view, self.slowdown)
        windows_s: dict[str, float] = {}

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            windows_s[model] = math.inf
            batch = most_in_time(queue, self._limits.of(view, model), view.profile, view.now_s, self.slowdown)
            if not batch:
                return None
            opens_s, closes_s = self._window(view, batch, len(batch) < len(queue))
            if view.now_s < opens_s - HALF_NS:
                windows_s[model] = opens_s
                return None
            return Candidate((closes_s, batch[0].arrived_s, batch[0].request_id), batch)

        batches = fill_slots(free, waiting, candidate)
        decisions += batches
        opens_s = min(windows_s.values(), default=math.inf)
        if len(batches) < free and opens_s < math.inf:
            decisions.append(WakeAt(opens_s))
        return decisions

    def _window(self, view: View, batch: tuple[Request, ...], more_wait: bool) -> tuple[float, float]:
        """Return from when to when a candidate may start."""
        due_s = batch[0].deadline_s
        closes_s = due_s - batch_solo_s(view.profile, batch) * self.slowdown
        samples = sum(request.samples for request in batch) + 1
        if due_s == math.inf or more_wait or samples > self._limits.of(view, batch[0].model):
            return view.now_s, closes_s  # no larger batch can come
        work = max(request.work for request in batch)
        return due_s - view.profile.solo_s(batch[0].model, samples) * work * self.slowdown, closes_s
