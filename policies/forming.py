"""Form the next batch of one model as Triton's dynamic batcher does."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from isim.errors import PolicyError
from isim.policies.expiry import HALF_NS, expiry_s
from isim.policies.fitting import size_limit
from isim.policies.policy import Request, View


class Sizes(NamedTuple):
    """The batch sizes of one model, in samples."""

    most: int
    preferred: frozenset[int]
    most_preferred: int


def profiled_sizes(
    view: View, model: str, max_batch: int | None, preferred: Iterable[int], policy: str, parameter: str
) -> Sizes:
    """Return the sizes of a model: those asked for, else the largest profiled one as both most and preferred.

    Raises
    ------
    PolicyError
        A size asked for is larger than any profiled; nothing is extrapolated.
    """
    most = size_limit(view, model, max_batch, policy, parameter)
    sizes = frozenset(preferred) or frozenset((most,))
    largest = max(sizes)
    if largest > most:
        raise PolicyError(
            f"policy {policy}: preferred_batch_sizes has a size larger than any batch of {model} that was profiled "
            f"(found {largest}, largest profiled {most}); leave it out or profile {model} at batch size {largest}"
        )
    return Sizes(most, sizes, largest)


def form_batch(
    waiting: Iterable[Request], sizes: Sizes, max_queue_delay_s: float, timeout_s: float | None, now_s: float
) -> tuple[list[Request], float]:
    """Return the batch to send now, or no request and the time at which to look again.

    Parameters
    ----------
    waiting
        The model's requests in serving order, at least one.
    sizes
        The model's batch sizes.
    max_queue_delay_s
        How long the oldest request may wait for company, seconds; at 0 nothing waits.
    timeout_s
        Seconds after which a request is timed out, or None.
    now_s
        The time, seconds.

    Examples
    --------
    >>> waiting = [Request(i, "m", i * 0.001, 1.0, 0, 1, 1.0) for i in range(3)]
    >>> batch, _ = form_batch(waiting, Sizes(8, frozenset({2, 8}), 8), 0.005, None, now_s=0.002)
    >>> len(batch)
    2
    >>> form_batch(waiting[:1], Sizes(8, frozenset({2, 8}), 8), 0.005, None, now_s=0.002)
    ([], 0.005)

    References
    ----------
    Triton Inference Server, `core/src/dynamic_batch_scheduler.cc`, `GetDynamicBatch`, for a batch that is sent to a
    free instance at once (so that it never grows after it was formed).
    """
    most, preferred, most_preferred = sizes
    batch: list[Request] = []
    pending = best = 0
    full = False
    for request in waiting:
        samples = request.samples
        if batch:
            if not best and pending + samples > most_preferred:
                best = len(batch)
            if pending + samples > most:
                full = True
                break
        batch.append(request)
        pending += samples
        if pending in preferred:
            best = len(batch)
    first_s = batch[0].arrived_s
    # Requests put last by their timeout are older than the first.
    oldest_s = first_s if batch[-1].arrived_s >= first_s else min(request.arrived_s for request in batch)
    look_again_s = oldest_s + max_queue_delay_s
    late = max_queue_delay_s > 0 and now_s >= look_again_s - HALF_NS
    if best and not late:
        return batch[:best], math.inf
    if full or late or pending >= most_preferred or not max_queue_delay_s:
        return batch, math.inf
    if timeout_s is not None and now_s < expiry_s(first_s, timeout_s) - HALF_NS:
        look_again_s = min(look_again_s, expiry_s(first_s, timeout_s))
    return [], look_again_s
