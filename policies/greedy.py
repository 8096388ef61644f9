"""Greedy batching: never wait while a slot is free."""

import heapq
from collections.abc import Iterable
from itertools import islice

from isim.policies.fitting import fitting, size_limit, too_large
from isim.policies.parameters import check_parameters, whole
from isim.policies.policy import Arrival, Decision, Dispatch, Event, View


class Greedy:
    """Batch whatever waits for the model with the oldest request, whenever a slot is free.

    Parameters
    ----------
    max_batch
        Most samples in a batch, at least 1; the largest profiled size of each model if left out. A request that holds
        more is refused at its arrival.

    Raises
    ------
    PolicyError
        `max_batch` is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> print(rehearse(Greedy(), [("a", 0.0), ("b", 0.001), ("a", 0.002), ("b", 0.003)], solo_s=0.01))
    0 ms: a 0
    10 ms: b 1 3
    20 ms: a 2

    References
    ----------
    Y. Inoue, "Queueing analysis of GPU-based inference servers with dynamic batching: A closed-form characterization",
    Performance Evaluation 147, 2021: closed-form bounds on the mean latency of this rule (sections 3 and 4).
    """

    def __init__(self, max_batch: int | None = None) -> None:
        check_parameters("greedy", whole("max_batch", max_batch))
        self.max_batch = max_batch
        self._limits: dict[str, int] = {}

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Fill the free slots, the model with the oldest request first."""
        if isinstance(event, Arrival):
            request = event.request
            limit = self._limits.get(request.model) or self._learn_limit(view, request.model)
            if request.samples > limit:
                return (too_large(request, limit),)
        free = view.free_slots
        if not free:
            return ()
        queues = view.queues
        heads = []
        for model, queue in queues.items():
            if queue:
                head = queue[0]
                heads.append((head.arrived_s, head.request_id, model, 0))
        decisions = []
        heapq.heapify(heads)
        while heads and free:
            _, _, model, taken = heapq.heappop(heads)
            queue = queues[model]
            limit = self._limits.get(model) or self._learn_limit(view, model)
            batch = fitting(islice(queue, taken, None), limit)
            decisions.append(Dispatch(batch))
            free -= 1
            taken += len(batch)
            if free and taken < len(queue):
                head = queue[taken]
                heapq.heappush(heads, (head.arrived_s, head.request_id, model, taken))
        return decisions

    def _learn_limit(self, view: View, model: str) -> int:
        self._limits[model] = limit = size_limit(view, model, self.max_batch, "greedy")
        return limit
