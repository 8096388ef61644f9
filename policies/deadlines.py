"""Waiting requests in the order of their deadlines, and how many of them one batch can serve in time."""

from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter

from isim.policies.expiry import HALF_NS
from isim.policies.policy import Decision, Drop, Request, SoloProfile, View

_deadline_s = attrgetter("deadline_s")
_priority = attrgetter("priority")


def by_deadline(queue: Iterable[Request], priority: bool = False) -> list[Request]:
    """Return the requests of a queue, the first due first; those due together stay in order of arrival.

    With `priority`, all of a higher priority come before any of a lower one.

    Examples
    --------
    >>> queue = [Request(0, "m", 0.0, 0.3, 0, 1, 1.0), Request(1, "m", 0.1, 0.2, 0, 1, 1.0)]
    >>> [request.request_id for request in by_deadline(queue)]
    [1, 0]
    """
    ordered = sorted(queue, key=_deadline_s)
    return sorted(ordered, key=_priority, reverse=True) if priority else ordered


def batch_solo_s(profile: SoloProfile, requests: Sequence[Request]) -> float:
    """Return how long requests of one model take as one batch, alone on the GPU, seconds."""
    if len(requests) == 1:
        request = requests[0]
        return profile.solo_s(request.model, request.samples) * request.work
    samples = sum(request.samples for request in requests)
    return profile.solo_s(requests[0].model, samples) * max(request.work for request in requests)


def hopeless(waiting: Sequence[Request], profile: SoloProfile, start_s: float, slowdown: float = 1.0) -> int:
    """Return how many requests at the front would be late even if each ran by itself from `start_s` on.

    Examples
    --------
    >>> from isim.policies.rehearsal import FixedProfile
    >>> waiting = [Request(i, "m", 0.0, deadline_s, 0, 1, 1.0) for i, deadline_s in enumerate((0.01, 0.02, 0.03))]
    >>> hopeless(waiting, FixedProfile((1,), fixed_s=0.005, per_sample_s=0.0), start_s=0.012)
    1
    """
    for i, request in enumerate(waiting):
        alone_s = profile.solo_s(request.model, request.samples) * request.work * slowdown
        if start_s + alone_s <= request.deadline_s + HALF_NS:
            return i
    return len(waiting)


def most_in_time(
    waiting: Sequence[Request], limit: int, profile: SoloProfile, start_s: float, slowdown: float = 1.0
) -> tuple[Request, ...]:
    """Return the longest prefix that, as one batch started at `start_s`, is done before the first deadline in it.

    Parameters
    ----------
    waiting
        Requests of one model, the first due first.
    limit
        Most samples in the batch.
    profile
        How long batches take alone.
    start_s
        When the batch would start, seconds.
    slowdown
        Factor on its profiled duration.

    Examples
    --------
    >>> from isim.policies.rehearsal import FixedProfile
    >>> waiting = [Request(i, "m", 0.0, 0.010, 0, 1, 1.0) for i in range(4)]
    >>> profile = FixedProfile((1, 2, 3, 4), fixed_s=0.004, per_sample_s=0.002)
    >>> [request.request_id for request in most_in_time(waiting, 4, profile, start_s=0.0)]
    [0, 1, 2]
    """
    if not waiting:
        return ()
    budget_s = waiting[0].deadline_s + HALF_NS - start_s
    samples, work, best = 0, 0.0, 0
    for count, request in enumerate(waiting, 1):
        samples += request.samples
        if samples > limit:
            break
        work = max(work, request.work)
        if profile.solo_s(request.model, samples) * work * slowdown <= budget_s:
            best = count
    return tuple(islice(waiting, best))


def sort_out(view: View, slowdown: float = 1.0) -> tuple[dict[str, list[Request]], list[Decision]]:
    """Return each model's requests that can still be in time, the first due first, and the drops of the others."""
    waiting: dict[str, list[Request]] = {}
    drops: list[Decision] = []
    for model, queue in view.queues.items():
        if not queue:
            continue
        ordered = by_deadline(queue)
        if late := hopeless(ordered, view.profile, view.now_s, slowdown):
            drops.append(Drop(ordered[:late], "cannot be in time"))
            ordered = ordered[late:]
        waiting[model] = ordered
    return waiting, drops
