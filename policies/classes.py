"""Two classes of requests: those of a priority above 0 are urgent, all others take what is left."""

from collections.abc import Sequence
from heapq import nsmallest
from itertools import islice

from isim.policies.policy import Request, View


def is_urgent(requests: Sequence[Request]) -> bool:
    """Return whether a batch of one class is urgent."""
    return requests[0].priority > 0


def oldest(view: View, urgent: bool, most: int) -> list[Request]:
    """Return the requests of a class that have waited longest, over all models.

    Parameters
    ----------
    urgent
        Which class.
    most
        How many at most.
    """
    found: list[Request] = []
    for queue in view.queues.values():
        if queue:
            found += islice((request for request in queue if (request.priority > 0) == urgent), most)
    return nsmallest(most, found, key=lambda request: (request.arrived_s, request.request_id))
