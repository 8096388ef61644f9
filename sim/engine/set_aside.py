"""Requests of preempted batches, back in their queue, and how far each batch had come."""

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping

from isim.engine.batch import Batch, Preemption
from isim.engine.view import WaitingRequests
from isim.operations import Operations, Variant
from isim.policies.policy import Request


def _age(request: Request) -> tuple[float, int]:
    return request.arrived_s, request.request_id


class SetAside:
    """Put requests back, and remember what was done of their batch until they leave the queue again.

    Parameters
    ----------
    operations
        What batches consist of.
    queues
        Those of the server.

    Examples
    --------
    See `isim.engine.server.Server`, which sets aside what its policy preempts.
    """

    def __init__(self, operations: Operations, queues: Mapping[str, WaitingRequests]) -> None:
        self._operations = operations
        self._queues = queues
        self.kept: dict[int, tuple[tuple[Request, ...], Preemption]] = {}
        """By the request at the head of a batch."""

    def put_back(self, batch: Batch) -> None:
        """Let the requests of a preempted batch wait again, in order of arrival."""
        assert batch.preempted is not None
        queue = self._queues[batch.model]
        for request in batch.requests:
            deque.insert(queue, bisect_left(queue, _age(request), key=_age), request)
        if batch.preempted.keeps:
            self.kept[batch.requests[0].request_id] = batch.requests, batch.preempted

    def take(self, requests: tuple[Request, ...]) -> Preemption | None:
        """Return what the same requests went through together before, and forget what is kept of any of them."""
        found = self.kept.get(requests[0].request_id)
        for request in requests:
            self.kept.pop(request.request_id, None)
        return found[1] if found is not None and found[0] == requests else None

    def rest(self, variant: Variant, operation: int) -> Variant:
        """Return what is left of a batch from an operation on."""
        gap_s = float(self._operations.gap_s[operation : variant.last].sum())
        solo_s = gap_s + float(self._operations.duration_s[operation : variant.last].sum())
        return variant._replace(solo_s=solo_s, gap_s=gap_s)
