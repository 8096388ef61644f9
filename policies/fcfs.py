"""First come, first served, without batching."""

from collections.abc import Iterable
from itertools import islice

from isim.policies.policy import Decision, Dispatch, Event, Request, View


def _age(request: Request) -> tuple[float, int]:
    return request.arrived_s, request.request_id


class Fcfs:
    """Serve the oldest request over all models, alone, whenever a slot is free.

    On one exclusive slot, with Poisson arrivals and one model, this is the M/D/1 queue, whose mean waiting time is
    known: rho * s / (2 * (1 - rho)) for service time s and load rho.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> print(rehearse(Fcfs(), [("a", 0.0), ("b", 0.001), ("a", 0.002)], solo_s=0.01))
    0 ms: a 0
    10 ms: b 1
    20 ms: a 2
    """

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Fill the free slots with the oldest requests, one each."""
        free = view.free_slots
        if not free:
            return ()
        # No more than `free` of one queue can be among the oldest `free` of all.
        oldest = [request for queue in view.queues.values() if queue for request in islice(queue, free)]
        if len(oldest) > 1:
            oldest.sort(key=_age)
        return [Dispatch((request,)) for request in oldest[:free]]
