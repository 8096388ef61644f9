"""AlpaServe's admission: refuse at arrival what would be late."""

import heapq
from collections.abc import Iterable

from isim.policies.deadlines import batch_solo_s, most_in_time, sort_out
from isim.policies.expiry import HALF_NS
from isim.policies.filling import Candidate, fill_slots
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, flag, seconds, whole
from isim.policies.policy import Arrival, Decision, Dispatch, Event, Reject, Request, View


def _age(request: Request) -> tuple[float, int]:
    return request.arrived_s, request.request_id


class AlpaServe:
    """Refuse a request at its arrival if, behind all that were accepted, it would finish late; serve the rest in order.

    Each slot has a clock: when it will have served its batch and its part of what waits, by profiled durations. A
    request is accepted if the slot that is free first would finish it in time. With `batching`, requests are accepted
    if they would be in time alone after the batches that run now; the model with the earliest deadline then sends as
    many requests as the first of them has time for, and heads that would be late alone are dropped. Placement and model
    parallelism are left out.

    Parameters
    ----------
    batching
        Send several requests at once.
    overhead_s
        Added to a request's duration when it is accepted or refused, seconds, at least 0.
    max_batch
        Most samples in a batch, used with `batching`; each model's largest profiled size if left out. A larger request
        is refused.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("b", 0.012)]
    >>> print(rehearse(AlpaServe(), arrivals, solo_s=0.010, slo_s=0.020))
    0 ms: a 0
    2 ms: reject 2
    10 ms: a 1
    20 ms: b 3

    References
    ----------
    Z. Li et al., "AlpaServe: Statistical multiplexing with model parallelism for deep learning serving", OSDI 2023,
    section 4.3.
    """

    def __init__(self, batching: bool = False, overhead_s: float = 0.0, max_batch: int | None = None) -> None:
        check_parameters(
            "alpaserve", flag("batching", batching), seconds("overhead_s", overhead_s), whole("max_batch", max_batch)
        )
        self.batching = batching
        self.overhead_s = overhead_s
        self.max_batch = max_batch
        self._limits = Limits("alpaserve", max_batch)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Accept or refuse an arrival, then fill the free slots."""
        if refused := self._limits.refusal(view, event):
            return refused
        if isinstance(event, Arrival) and not self._accepts(view, event.request):
            return (Reject((event.request,), "would be late behind what was accepted"),)
        if not view.free_slots:
            return ()
        if self.batching:
            return self._batches(view)
        oldest = sorted(
            (queue[i] for queue in view.queues.values() for i in range(min(len(queue), view.free_slots))),
            key=_age,
        )
        return [Dispatch((request,)) for request in oldest[: view.free_slots]]

    def _accepts(self, view: View, request: Request) -> bool:
        alone_s = batch_solo_s(view.profile, (request,))
        ends_s = [batch.dispatched_s + batch_solo_s(view.profile, batch.requests) for batch in view.residents]
        if self.batching:
            start_s = view.now_s if view.free_slots else max(view.now_s, min(ends_s))
            return start_s + alone_s + self.overhead_s <= request.deadline_s + HALF_NS
        clocks_s = [max(view.now_s, end_s) for end_s in ends_s] + [view.now_s] * view.free_slots
        heapq.heapify(clocks_s)
        for ahead in sorted((each for queue in view.queues.values() for each in queue), key=_age):
            if ahead is not request:
                heapq.heapreplace(clocks_s, clocks_s[0] + batch_solo_s(view.profile, (ahead,)))
        return clocks_s[0] + alone_s + self.overhead_s <= request.deadline_s + HALF_NS

    def _batches(self, view: View) -> list[Decision]:
        waiting, drops = sort_out(view)

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            batch = most_in_time(queue, self._limits.of(view, model), view.profile, view.now_s)
            return Candidate((batch[0].deadline_s, batch[0].request_id), batch) if batch else None

        return drops + fill_slots(view.free_slots, waiting, candidate)
