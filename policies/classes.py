"""Two classes of requests: urgent ones, and all others, which take what is left."""

from collections import deque
from collections.abc import Sequence
from heapq import nsmallest
from itertools import islice

from isim.policies.policy import Arrival, Event, Request, View


class NamesUrgent:
    """A policy that is told by name which models are urgent."""

    urgent: tuple[str, ...]

    def named_models(self) -> dict[str, str]:
        """Return the models named; see `NamesModels`."""
        return {f"urgent={model}": model for model in self.urgent}


class Classes:
    """Tell urgent requests by their priority, which is above 0, or by their model.

    Parameters
    ----------
    urgent
        Models whose requests are urgent whatever their priority.

    Examples
    --------
    >>> classes = Classes(("a",))
    >>> [classes.is_urgent([Request(0, model, 0.0, 1.0, priority, 1, 1.0)]) for model, priority in (("a", 0), ("b", 1))]
    [True, True]
    """

    def __init__(self, urgent: Sequence[str]) -> None:
        self._urgent = frozenset(urgent)
        self.waiting: deque[Request] = deque()
        """Urgent requests that wait, oldest first; whoever dispatches one takes it out."""

    def follow(self, event: Event) -> None:
        """Remember an urgent request that arrives; long queues of others are not searched for it."""
        if isinstance(event, Arrival) and self.is_urgent((event.request,)):
            self.waiting.append(event.request)

    def is_urgent(self, requests: Sequence[Request]) -> bool:
        """Return whether a batch, whose requests are of one class, is urgent."""
        return requests[0].priority > 0 or requests[0].model in self._urgent

    def others(self, view: View, most: int) -> list[Request]:
        """Return the requests that are not urgent and have waited longest, over all models, `most` at most."""
        found: list[Request] = []
        for queue in view.queues.values():
            if queue and queue[0].model not in self._urgent:
                found += islice((request for request in queue if not self.is_urgent((request,))), most)
        return nsmallest(most, found, key=lambda request: (request.arrived_s, request.request_id))
