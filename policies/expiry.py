"""Requests that have waited longer than a timeout."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from isim.policies.policy import Request

# Servers and traces count whole nanoseconds; half of one absorbs the rounding of times kept as float seconds.
HALF_NS = 0.5e-9


def expiry_s(arrived_s: float, timeout_s: float) -> float:
    """Return the first whole nanosecond at which a request has waited longer than `timeout_s`, in seconds.

    Examples
    --------
    >>> round(expiry_s(0.0, 0.010), 9)
    0.010000001
    """
    return arrived_s + timeout_s + 2 * HALF_NS


def count_expired(queue: Sequence[Request], timeout_s: float, now_s: float) -> int:
    """Return how many requests, from the front of a queue that holds the oldest first, have timed out.

    Examples
    --------
    >>> queue = [Request(i, "m", i * 0.001, 1.0, 0, 1, 1.0) for i in range(4)]
    >>> count_expired(queue, timeout_s=0.002, now_s=0.0035)
    2
    """
    until_s = now_s + HALF_NS
    if expiry_s(queue[0].arrived_s, timeout_s) > until_s:
        return 0
    return bisect_left(queue, True, key=lambda request: expiry_s(request.arrived_s, timeout_s) > until_s)


def serving_order(queue: Sequence[Request], expired: int, expired_last: bool, skip: int = 0) -> Iterator[Request]:
    """Walk a queue past its expired requests, which come last or, if they are dropped, not at all; `skip` the first.

    Examples
    --------
    >>> queue = [Request(i, "m", i * 0.001, 1.0, 0, 1, 1.0) for i in range(4)]
    >>> [request.request_id for request in serving_order(queue, expired=2, expired_last=True)]
    [2, 3, 0, 1]
    >>> [request.request_id for request in serving_order(queue, expired=2, expired_last=False, skip=1)]
    [3]
    """
    if not expired or not expired_last:
        return islice(queue, expired + skip, None)
    return islice(chain(islice(queue, expired, None), islice(queue, expired)), skip, None)
