"""Earliest deadline first."""

from collections.abc import Iterable

from isim.policies.deadlines import by_deadline, sort_out
from isim.policies.filling import Candidate, fill_slots
from isim.policies.fitting import fitting
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, flag, whole
from isim.policies.policy import Decision, Event, Request, View


class Edf:
    """Serve the model whose next request is due first, with as many of its requests as fit, whenever a slot is free.

    Parameters
    ----------
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.
    drop_late
        Drop requests that would be late even if they ran alone from now on. Without it, past saturation, the oldest
        and by then late requests are served first and hardly any is in time.

    Raises
    ------
    PolicyError
        `max_batch` is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.policy import Request
    >>> from isim.policies.rehearsal import FixedProfile, Rehearsal
    >>> dues_s = [("a", 0.05), ("b", 0.04), ("c", 0.03), ("b", 0.06)]
    >>> requests = [Request(i, model, i * 0.001, due_s, 0, 1, 1.0) for i, (model, due_s) in enumerate(dues_s)]
    >>> print(Rehearsal(Edf(), requests, slots=1, profile=FixedProfile((1, 2), 0.010, 0.0)).run())
    0 ms: a 0
    10 ms: c 2
    20 ms: b 1 3

    References
    ----------
    C. L. Liu and J. W. Layland, "Scheduling algorithms for multiprogramming in a hard-real-time environment", JACM
    20(1), 1973, section 7: optimal for preemptive work on one processor; batches are not preempted here.
    """

    def __init__(self, max_batch: int | None = None, drop_late: bool = False) -> None:
        check_parameters("edf", whole("max_batch", max_batch), flag("drop_late", drop_late))
        self.max_batch = max_batch
        self.drop_late = drop_late
        self._limits = Limits("edf", max_batch)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Fill the free slots, the model with the earliest deadline first."""
        if refused := self._limits.refusal(view, event):
            return refused
        if not view.free_slots:
            return ()
        drops: list[Decision] = []
        if self.drop_late:
            waiting, drops = sort_out(view)
        else:
            waiting = {model: by_deadline(queue) for model, queue in view.queues.items() if queue}

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            if not queue:
                return None
            head = queue[0]
            batch = fitting(queue, self._limits.of(view, model))
            return Candidate((head.deadline_s, head.arrived_s, head.request_id), batch)

        return drops + fill_slots(view.free_slots, waiting, candidate)
