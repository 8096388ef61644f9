"""Whose turn it is among models that wait for slots: the one whose next request arrived first."""

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from isim.policies.expiry import count_expired, serving_order
from isim.policies.forming import Sizes, form_batch
from isim.policies.policy import Dispatch, Drop, Request


def send_in_turn(
    queues: Mapping[str, Sequence[Request]], models: Iterable[str], free: int, sizes: Mapping[str, Sizes],
    delay_s: float, timeout_s: float | None, now_s: float, expired_last: bool,
) -> tuple[list[Drop], list[Dispatch], dict[str, float]]:  # fmt: skip
    """Return what is too old, batches for free slots, in turn, and until when each model with none to send waits.

    Examples
    --------
    >>> queues = {model: [Request(i, model, i * 0.001, 1.0, 0, 1, 1.0)] for i, model in enumerate("ba")}
    >>> sizes = dict.fromkeys("ab", Sizes(8, frozenset({8}), 8))
    >>> _, batches, _ = send_in_turn(queues, "ab", 1, sizes, 0.0, None, 0.005, False)
    >>> [batch.requests[0].model for batch in batches]
    ['b']
    >>> send_in_turn(queues, "a", 1, sizes, 0.020, None, 0.005, False)
    ([], [], {'a': 0.021})
    """
    drops: list[Drop] = []
    turns = []  # a model by its next request, how many in its queue have timed out, and how many are sent
    for model in models:
        queue = queues[model]
        if not queue:
            continue
        expired, head = 0, queue[0]
        if timeout_s is not None:
            expired = count_expired(queue, timeout_s, now_s)
            if expired and not expired_last:
                drops.append(Drop(tuple(islice(queue, expired)), f"waited longer than {timeout_s} s"))
                if expired == len(queue):
                    continue
            head = next(serving_order(queue, expired, expired_last))
        turns.append((head.arrived_s, head.request_id, model, expired, 0))
    batches: list[Dispatch] = []
    wakes_s: dict[str, float] = {}
    if len(turns) > 1:
        heapq.heapify(turns)
    while turns and len(batches) < free:
        _, _, model, expired, sent = heapq.heappop(turns)
        queue = queues[model]
        waiting = serving_order(queue, expired, expired_last, sent) if expired or sent else queue
        batch, wake_s = form_batch(waiting, sizes[model], delay_s, timeout_s, now_s)
        if batch:
            batches.append(Dispatch(batch))
            sent += len(batch)
            following = next(serving_order(queue, expired, expired_last, sent), None) if len(batches) < free else None
            if following is not None:
                heapq.heappush(turns, (following.arrived_s, following.request_id, model, expired, sent))
        elif wake_s < math.inf:
            wakes_s[model] = wake_s
    return drops, batches, wakes_s
