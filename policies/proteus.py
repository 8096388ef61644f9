"""Proteus-like deferred batching: wait as long as what waits can be in time."""

import math
from collections.abc import Iterable

from isim.policies.deadlines import batch_solo_s, most_in_time, sort_out
from isim.policies.expiry import HALF_NS
from isim.policies.filling import Candidate, fill_slots
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, number, whole
from isim.policies.policy import Decision, Event, Request, View, WakeAt


class Proteus:
    """Hold a model's requests back until the last moment at which all of them can be in time as one batch.

    An arrival moves that moment forward; if all that wait, the new one included, can no longer be in time together, as
    many as can are sent at once. A full batch is sent at once too. Of several models the one with the earliest deadline
    goes first. Made for one model on its own device: with several, batches held to their last moment find the slots
    taken. The idea only; scaling of accuracy is left out.

    Parameters
    ----------
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.
    slowdown
        Factor on profiled durations, at least 1.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.004), ("a", 0.016), ("a", 0.045)]
    >>> print(rehearse(Proteus(), arrivals, solo_s=0.010, slo_s=0.030))
    20 ms: a 0 1 2
    65 ms: a 3

    References
    ----------
    S. Ahmad et al., "Proteus: A high-throughput inference-serving system with accuracy scaling", ASPLOS 2024, section
    on adaptive batching.
    """

    def __init__(self, max_batch: int | None = None, slowdown: float = 1.0) -> None:
        check_parameters("proteus", whole("max_batch", max_batch), number("slowdown", slowdown, 1.0))
        self.max_batch = max_batch
        self.slowdown = slowdown
        self._limits = Limits("proteus", max_batch)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Drop what cannot be in time, send what may not wait longer, and ask to be woken for the rest."""
        if refused := self._limits.refusal(view, event):
            return refused
        free = view.free_slots
        if not free:
            return ()
        waiting, decisions = sort_out(view, self.slowdown)
        wakes_s: dict[str, float] = {}

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            wakes_s[model] = math.inf
            limit = self._limits.of(view, model)
            batch = most_in_time(queue, limit, view.profile, view.now_s, self.slowdown)
            if not batch:
                return None
            due_s = batch[0].deadline_s
            latest_s = due_s - batch_solo_s(view.profile, batch) * self.slowdown
            full = len(batch) < len(queue) or sum(request.samples for request in batch) >= limit or due_s == math.inf
            if not full and view.now_s < latest_s - HALF_NS:
                wakes_s[model] = latest_s
                return None
            return Candidate((due_s, batch[0].arrived_s, batch[0].request_id), batch)

        batches = fill_slots(free, waiting, candidate)
        decisions += batches
        wake_s = min(wakes_s.values(), default=math.inf)
        if len(batches) < free and wake_s < math.inf:
            decisions.append(WakeAt(wake_s))
        return decisions
