"""Drop what is in the way of a batch of a wanted size."""

from collections.abc import Sequence

from isim.policies.deadlines import batch_solo_s
from isim.policies.expiry import HALF_NS
from isim.policies.fitting import fitting
from isim.policies.policy import Request, SoloProfile


def window(
    waiting: Sequence[Request], size: int, profile: SoloProfile, start_s: float, slowdown: float = 1.0
) -> tuple[int, tuple[Request, ...]]:
    """Return how many requests a window passes until its first has time for the batch of what is in it, and that batch.

    Parameters
    ----------
    waiting
        Requests of one model, the first due first.
    size
        Most samples in the window; a larger first request is alone in it.
    profile
        How long batches take alone.
    start_s
        When the batch would start, seconds.
    slowdown
        Factor on its profiled duration.

    Examples
    --------
    >>> from isim.policies.rehearsal import FixedProfile
    >>> waiting = [Request(i, "m", 0.0, deadline_s, 0, 1, 1.0) for i, deadline_s in enumerate((0.01, 0.02, 0.03))]
    >>> late, batch = window(waiting, 2, FixedProfile((1, 2), fixed_s=0.005, per_sample_s=0.004), start_s=0.0)
    >>> late, [request.request_id for request in batch]
    (1, [1, 2])

    References
    ----------
    H. Shen et al., "Nexus", SOSP 2019, section 6.3.
    """
    for late, head in enumerate(waiting):
        batch = fitting(waiting[late : late + max(size, 1)], max(size, head.samples))
        if start_s + batch_solo_s(profile, batch) * slowdown <= head.deadline_s + HALF_NS:
            return late, batch
    return len(waiting), ()


def last_in_time(
    waiting: Sequence[Request], limit: int, profile: SoloProfile, start_s: float, slowdown: float = 1.0
) -> int:
    """Return how many samples the most of the last requests hold that are all in time as one batch.

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
    >>> waiting = [Request(i, "m", 0.0, deadline_s, 0, 1, 1.0) for i, deadline_s in enumerate((0.01, 0.02, 0.03))]
    >>> last_in_time(waiting, 4, FixedProfile((1, 2, 3, 4), fixed_s=0.005, per_sample_s=0.004), start_s=0.0)
    2
    """
    samples, work, most = 0, 0.0, 0
    for request in reversed(waiting):
        samples += request.samples
        if samples > limit:
            break
        work = max(work, request.work)
        if start_s + profile.solo_s(request.model, samples) * work * slowdown <= request.deadline_s + HALF_NS:
            most = samples
    return most
