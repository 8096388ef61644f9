"""Fill free slots with the best of what each model could send."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from isim.policies.policy import Dispatch, Request


class Candidate(NamedTuple):
    """A batch that could be sent now, and its rank; the lowest goes first."""

    rank: tuple[Any, ...]
    batch: Sequence[Request]


def fill_slots(
    free: int, waiting: dict[str, list[Request]], candidate: Callable[[str, list[Request]], Candidate | None]
) -> list[Dispatch]:
    """Dispatch the candidate of the lowest rank, again and again, until no slot is free or no model has one.

    Parameters
    ----------
    free
        Slots.
    waiting
        Requests of each model that may be sent; what is dispatched is taken out.
    candidate
        Says what a model could send of what is waiting, or None.

    Examples
    --------
    >>> waiting = {"m": [Request(i, "m", 0.0, 1.0, 0, 1, 1.0) for i in range(3)]}
    >>> batches = fill_slots(5, waiting, lambda model, queue: Candidate((0,), queue[:2]) if queue else None)
    >>> [[request.request_id for request in batch.requests] for batch in batches]
    [[0, 1], [2]]
    """
    found = {model: candidate(model, queue) for model, queue in waiting.items()}
    batches: list[Dispatch] = []
    while len(batches) < free:
        ranked = [(which.rank, model) for model, which in found.items() if which is not None]
        if not ranked:
            break
        model = min(ranked)[1]
        best = found[model]
        assert best is not None
        batches.append(Dispatch(best.batch))
        taken = {request.request_id for request in best.batch}
        waiting[model] = [request for request in waiting[model] if request.request_id not in taken]
        found[model] = candidate(model, waiting[model])
    return batches
