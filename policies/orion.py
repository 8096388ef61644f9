"""Best-effort kernels beside an urgent request's, where their classes and sizes promise little interference."""

from collections.abc import Iterable

import numpy as np
from numba import njit

from isim.policies.classes import Classes, NamesUrgent
from isim.policies.gate import MAY_START
from isim.policies.kernels import Floats, Kernels
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, number
from isim.policies.policy import Decision, Dispatch, Event, View

_CLASS, _NEEDED, _DURATION, _SOLO = range(4)
_COMPUTE, _MEMORY, _UNKNOWN = 1.0, 0.0, -1.0
_BOUND = 0.6
"""Use of a resource from which a kernel is bound by it, where its arithmetic intensity is not known."""


@njit(MAY_START, cache=True)
def _may_start(wanted, phases, left_s, running, count, low, traits, parameters):  # type: ignore[no-untyped-def]
    own, needed, outstanding_s, latency_s = traits[wanted, _CLASS], traits[wanted, _NEEDED], 0.0, np.inf
    idle, alike = True, False
    for k in range(count):
        trait = traits[phases[k]]
        if phases[k] >= low:
            needed += trait[_NEEDED]
            outstanding_s += trait[_DURATION]
        elif not np.isnan(trait[_CLASS]):  # it has had a kernel launched
            idle = False
            latency_s = min(latency_s, trait[_SOLO])
            alike = alike or (own == trait[_CLASS] and own != _UNKNOWN)
    return idle or (not alike and needed < parameters[0] and outstanding_s <= parameters[1] * latency_s)


class Complementary:
    """Let a best-effort kernel start beside an urgent request if all of these hold.

    - It is not of the same class as the urgent kernel (the last one, between two): compute-bound from 60 % of the SMs'
      throughput, else memory-bound from 60 % of the DRAM's, else unknown, which is like no other.
    - It and the best-effort kernels that run need fewer SMs than `sm_threshold`. Profiles hold at most 1, so that 1
      stands for a grid of at least all SMs.
    - The best-effort kernels that run take, each alone, no more than `duration_share` of what the urgent batch does.

    Examples
    --------
    >>> compute, memory, half = [1, 1.0, 1e-5, 1e-3], [0, 0.4, 1e-5, 1e-3], [1, 0.5, 1e-5, 1e-3]
    >>> traits, left_s, rule = np.array([compute, memory, half]), np.array([1e-5]), Complementary().parameters
    >>> [bool(_may_start(wanted, np.array([0]), left_s, 1, 1, 1, traits, rule)) for wanted in (1, 2)]
    [True, False]
    """

    name = "complementary"
    may_start = staticmethod(_may_start)

    def __init__(self, sm_threshold: float = 1.0, duration_share: float = 0.025) -> None:
        self.sm_threshold = sm_threshold
        self.duration_share = duration_share

    @property
    def parameters(self) -> Floats:
        """The two thresholds."""
        return np.array([self.sm_threshold, self.duration_share])

    def traits(self, kernels: Kernels) -> Floats:
        """Class, share of the SMs that the grid fills, duration, and that of the batch."""
        sm, dram, memory, needed = (kernels.resources[name] for name in ("sm", "dram", "memory", "sm_needed"))
        dram = np.where(np.isnan(dram), memory, dram)
        kind = np.where(sm >= _BOUND, _COMPUTE, np.where(dram >= _BOUND, _MEMORY, _UNKNOWN))
        solo_s = np.full(len(kind), kernels.gap_s.sum() + kernels.duration_s.sum())
        return np.column_stack([kind, np.where(np.isnan(needed), 1.0, needed), kernels.duration_s, solo_s])


class Orion(NamesUrgent):
    """Serve urgent requests at once, and beside them best-effort ones kernel by kernel (see `Complementary`).

    Urgent requests run one after another; best-effort ones take the other slots, and without an urgent request run
    freely. Each is a batch of its own, the oldest first. Not modelled: kernels that are launched ahead, so that the
    bound on outstanding durations counts only with several best-effort batches; its tuning of `sm_threshold` for
    training; that the rule knows arithmetic intensities. Turns among best-effort batches go by age.

    Parameters
    ----------
    sm_threshold
        Share of the SMs that best-effort kernels together must stay below beside an urgent request, 0..1.
    duration_share
        How long they may take, as a share of the urgent batch's duration alone.
    urgent
        Models whose requests are urgent; so are those of a priority above 0.

    Raises
    ------
    PolicyError
        A parameter is out of range.

    Examples
    --------
    >>> from isim.policies.policy import Request
    >>> from isim.policies.rehearsal import FixedProfile, Rehearsal
    >>> requests = [Request(i, "ba"[i % 2], i * 0.001, 1.0, i % 2, 1, 1.0) for i in range(4)]
    >>> print(Rehearsal(Orion(), requests, slots=2, profile=FixedProfile((1,), 0.010, 0.0)).run())
    0 ms: b 0
    1 ms: a 1
    10 ms: b 2
    11 ms: a 3

    References
    ----------
    F. Strati et al., "Orion: Interference-aware, fine-grained GPU sharing for ML applications", EuroSys 2024, section
    5, and its scheduler_eval.cpp.
    """

    def __init__(self, sm_threshold: float = 1.0, duration_share: float = 0.025, urgent: tuple[str, ...] = ()) -> None:
        check_parameters(
            "orion", number("sm_threshold", sm_threshold, 0.0, 1.0), number("duration_share", duration_share, 0.0)
        )
        self.sm_threshold = sm_threshold
        self.duration_share = duration_share
        self.urgent = urgent
        self.gate = Complementary(sm_threshold, duration_share)
        self._classes = Classes(urgent)
        self._limits = Limits("orion", None)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Dispatch the oldest urgent request, and best-effort ones into all slots but one for the next urgent."""
        if refused := self._limits.refusal(view, event):
            return refused
        self._classes.follow(event)
        residents, free, batches = view.residents, view.free_slots, []
        slots = free + len(residents)
        busy = any(self._classes.is_urgent(batch.requests) for batch in residents)
        if free and not busy and self._classes.waiting:
            batches, free, busy = [Dispatch((self._classes.waiting.popleft(),), priority=1)], free - 1, True
        others = free if busy or slots == 1 else free - 1
        return [*batches, *(Dispatch((request,)) for request in self._classes.others(view, max(0, others)))]
