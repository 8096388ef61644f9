"""Whose turn it is among models that wait for slots: the one whose next request arrived first."""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from isim.policies.expiry import count_expired, serving_order
from isim.policies.forming import Sizes, form_batch
from isim.policies.policy import Dispatch, Drop, Request

Turn = tuple[float, int, str, int, int]
"""A model by the arrival and number of its next request, its name, how many in its queue have timed out, and how many
are sent; the least is first."""


def served_next(
    waiting: Mapping[str, Sequence[Request]], timeout_s: float | None, now_s: float, expired_last: bool
) -> tuple[list[Turn], list[Drop]]:
    """Return each model whose turn it could be, and the requests to drop, which are too old.

    Examples
    --------
    >>> waiting = {model: [Request(i, model, i * 0.001, 1.0, 0, 1, 1.0)] for i, model in enumerate("ba")}
    >>> served_next(waiting, timeout_s=None, now_s=0.005, expired_last=False)[0]
    [(0.0, 0, 'b', 0, 0), (0.001, 1, 'a', 0, 0)]
    """
    heads, drops = [], []
    for model, queue in waiting.items():
        expired, head = 0, queue[0]
        if timeout_s is not None:
            expired = count_expired(queue, timeout_s, now_s)
            if expired and not expired_last:
                drops.append(Drop(tuple(islice(queue, expired)), f"waited longer than {timeout_s} s"))
                if expired == len(queue):
                    continue
            head = next(serving_order(queue, expired, expired_last))
        heads.append((head.arrived_s, head.request_id, model, expired, 0))
    return heads, drops


def fill_slots(
    waiting: Mapping[str, Sequence[Request]], turns: list[Turn], free: int, sizes_of: Callable[[str], Sizes],
    delay_s: float, timeout_s: float | None, now_s: float, expired_last: bool,
) -> tuple[list[Dispatch], dict[str, float]]:  # fmt: skip
    """Return batches for free slots, in turn, and until when each model that has none to send wants to wait, if at all.

    Examples
    --------
    >>> waiting = {"a": [Request(0, "a", 0.0, 1.0, 0, 1, 1.0)]}
    >>> turns, _ = served_next(waiting, None, 0.005, False)
    >>> fill_slots(waiting, turns, 1, lambda _: Sizes(8, frozenset({8}), 8), 0.02, None, 0.005, False)
    ([], {'a': 0.02})
    """
    batches: list[Dispatch] = []
    wakes_s: dict[str, float] = {}
    heapq.heapify(turns)
    while turns and len(batches) < free:
        _, _, model, expired, sent = heapq.heappop(turns)
        queue = waiting[model]
        in_order = serving_order(queue, expired, expired_last, sent) if expired or sent else queue
        batch, wake_s = form_batch(in_order, sizes_of(model), delay_s, timeout_s, now_s)
        if batch:
            batches.append(Dispatch(batch))
            sent += len(batch)
            following = next(serving_order(queue, expired, expired_last, sent), None) if len(batches) < free else None
            if following is not None:
                heapq.heappush(turns, (following.arrived_s, following.request_id, model, expired, sent))
        elif wake_s < math.inf:
            wakes_s[model] = wake_s
    return batches, wakes_s
