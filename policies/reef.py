"""Real-time requests at once, by throwing running best-effort kernels away."""

from collections.abc import Iterable

from isim.policies.classes import is_urgent, oldest
from isim.policies.limits import Limits
from isim.policies.policy import Decision, Dispatch, Event, Preempt, View


class Reef:
    """Serve real-time requests alone and at once, best-effort requests whenever there is no real-time one.

    Requests of a priority above 0 are real-time. When one arrives, the kernels of running best-effort batches are
    thrown away: they are idempotent, so that each batch later goes on with the kernel that it was at. Real-time
    requests run one after another, best-effort ones as many at once as there are slots; each is a batch of its own, the
    oldest first.

    Examples
    --------
    >>> from isim.policies.policy import Request
    >>> from isim.policies.rehearsal import FixedProfile, Rehearsal
    >>> requests = [Request(0, "be", 0.0, 1.0, 0, 1, 1.0), Request(1, "rt", 0.004, 1.0, 1, 1, 1.0)]
    >>> print(Rehearsal(Reef(), requests, slots=1, profile=FixedProfile((1,), 0.010, 0.0)).run())
    0 ms: be 0
    4 ms: preempt batch 0
    4 ms: rt 1
    14 ms: be 0

    References
    ----------
    M. Han et al., "Microsecond-scale preemption for concurrent GPU-accelerated DNN inferences", OSDI 2022, section 4.
    """

    def __init__(self) -> None:
        self._limits = Limits("reef", None)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Clear the GPU for a real-time request, or fill it with best-effort ones."""
        if refused := self._limits.refusal(view, event):
            return refused
        residents = view.residents
        if any(is_urgent(batch.requests) for batch in residents):
            return ()
        if urgent := oldest(view, True, 1):
            if residents:
                return [Preempt(batch.batch_id, "reset") for batch in residents if not batch.preempted]
            return [Dispatch(urgent, priority=1)]
        return [Dispatch((request,)) for request in oldest(view, False, view.free_slots)]
