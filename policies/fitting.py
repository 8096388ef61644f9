"""How much of a queue fits in one batch."""

from collections.abc import Iterable

from isim.errors import PolicyError
from isim.policies.policy import Reject, Request, View


def size_limit(view: View, model: str, asked: int | None, policy: str, parameter: str = "max_batch") -> int:
    """Return the most samples a batch of `model` may hold: what was asked for, else the largest profiled size.

    Raises
    ------
    PolicyError
        More was asked for than was profiled; nothing is extrapolated.
    """
    largest = max(view.profile.batch_sizes(model))
    if asked is not None and asked > largest:
        raise PolicyError(
            f"policy {policy}: {parameter} is larger than any batch of {model} that was profiled "
            f"(found {asked}, largest profiled {largest}); lower {parameter} or profile {model} at batch size {asked}"
        )
    return asked or largest


def fitting(waiting: Iterable[Request], limit: int) -> tuple[Request, ...]:
    """Return the longest prefix of the waiting requests that holds at most `limit` samples.

    Examples
    --------
    >>> waiting = [Request(i, "m", 0.0, 1.0, 0, samples, 1.0) for i, samples in enumerate((2, 1, 2))]
    >>> [request.request_id for request in fitting(waiting, 4)]
    [0, 1]
    """
    batch = []
    for request in waiting:
        limit -= request.samples
        if limit < 0:
            break
        batch.append(request)
    return tuple(batch)


def too_large(request: Request, limit: int) -> Reject:
    """Refuse a request that no batch can hold."""
    return Reject((request,), f"holds {request.samples} samples, more than the largest batch, {limit}")
