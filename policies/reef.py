"""Real-time requests at once, by throwing running best-effort kernels away, and best-effort kernels in their gaps."""

from collections.abc import Iterable

import numpy as np
from numba import njit

from isim.policies.classes import Classes, NamesUrgent
from isim.policies.gate import MAY_START
from isim.policies.kernels import Floats, Kernels
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, flag
from isim.policies.policy import Decision, Dispatch, Event, Finish, Preempt, View


@njit(MAY_START, cache=True)
def _may_start(wanted, phases, left_s, running, count, low, traits, parameters):  # type: ignore[no-untyped-def]
    filled, room_s = 0.0, np.inf
    for k in range(running):
        if phases[k] < low:
            filled += traits[phases[k], 1]
            room_s = min(room_s, left_s[k])
        elif count > running or phases[0] < low:
            return False  # one at a time
    if room_s == np.inf:  # no real-time kernel runs: beside none, hold what may be in the way of the next
        return count == running
    needed, free = traits[wanted, 1], 1.0 - filled
    return free > 0.0 and traits[wanted, 0] * max(1.0, needed / free) <= room_s


class Padding:
    """Let a best-effort kernel start beside a real-time one that leaves SMs, if on these it ends no later.

    Not modelled: that only as many of its blocks are sent along as fit, and that both are one merged kernel, whose
    occupancy must not be less than the real-time kernel's own.

    Examples
    --------
    >>> phases, traits = np.array([0]), np.array([[3e-5, 0.5], [2e-5, 0.5], [2e-5, 0.8]])
    >>> [bool(_may_start(wanted, phases, np.array([3e-5]), 1, 1, 1, traits, np.zeros(0))) for wanted in (1, 2)]
    [True, False]
    """

    name = "padding"
    may_start = staticmethod(_may_start)

    @property
    def parameters(self) -> Floats:
        """None."""
        return np.zeros(0)

    def traits(self, kernels: Kernels) -> Floats:
        """Duration, and the share of the SMs that the grid fills: all where it is not measured."""
        needed = kernels.resources["sm_needed"]
        return np.column_stack([kernels.duration_s, np.where(np.isnan(needed), 1.0, needed)])


class Reef(NamesUrgent):
    """Serve real-time requests at once and nearly as if alone, best-effort ones whenever there is no real-time one.

    When a real-time request arrives, the kernels of running best-effort batches are thrown away: they are idempotent,
    so that each batch later goes on with the kernel that it was at. Real-time requests run one after another,
    best-effort ones as many at once as there are slots; each is a batch of its own, the oldest first. With `padding`,
    best-effort batches go on beside a real-time one, by kernels that fit (see `Padding`).

    Parameters
    ----------
    padding
        Whether best-effort kernels may run beside real-time ones.
    urgent
        Models whose requests are real-time; so are those of a priority above 0.

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
    M. Han et al., "Microsecond-scale preemption for concurrent GPU-accelerated DNN inferences", OSDI 2022, sections 4
    and 5. The host's queues, which it clears as well, are not modelled: no kernel is launched ahead.
    """

    def __init__(self, padding: bool = False, urgent: tuple[str, ...] = ()) -> None:
        check_parameters("reef", flag("padding", padding))
        self.padding = padding
        self.urgent = urgent
        self.gate = Padding() if padding else None
        self._classes = Classes(urgent)
        self._limits = Limits("reef", None)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Clear the GPU for a real-time request, or fill it with best-effort ones."""
        if refused := self._limits.refusal(view, event):
            return refused
        self._classes.follow(event)
        residents, free, batches = view.residents, view.free_slots, []
        busy = any(self._classes.is_urgent(batch.requests) for batch in residents)
        if not busy and self._classes.waiting:
            # After another real-time request, best-effort kernels are those that fitted beside it.
            padded = isinstance(event, Finish) and self._classes.is_urgent(event.observation.requests) and free
            if residents and not (self.padding and padded):
                return [Preempt(batch.batch_id, "reset") for batch in residents if not batch.preempted]
            batches, free, busy = [Dispatch((self._classes.waiting.popleft(),), priority=1)], free - 1, True
        if busy and not self.padding:
            return batches
        return [*batches, *(Dispatch((request,)) for request in self._classes.others(view, free))]
