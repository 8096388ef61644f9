"""The largest batch that is in time as a whole, of whatever model."""

from collections.abc import Iterable, Sequence

from isim.policies.deadlines import sort_out
from isim.policies.expiry import HALF_NS
from isim.policies.filling import Candidate, fill_slots
from isim.policies.fitting import fitting
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, flag, number, whole
from isim.policies.policy import Decision, Event, Preempt, Request, View


class Shepherd:
    """Serve the model that can have the most requests in time by one batch, and let it replace a much smaller one.

    A model's candidate is the largest set of requests that all are in time if they run together from now on; requests
    with too little time for that size stay behind, and are dropped when they would be late even alone. Whenever a slot
    is free, the largest candidate takes it; equal ones go by deadline. Where none is, it replaces the smallest running
    batch if it holds `ratio` times as many requests: that batch stops when its kernel has ended, what was done of it is
    lost, and its requests wait again. Not modelled: the planner that groups streams of requests onto GPUs.

    Parameters
    ----------
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.
    preemption
        Whether a running batch may be replaced.
    ratio
        How many times the requests of a running batch the one must have that replaces it; at least 1.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, `max_batch` is larger than any size profiled
        of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("b", 0.003), ("b", 0.004), ("b", 0.005)]
    >>> print(rehearse(Shepherd(), arrivals, solo_s=0.010, slo_s=0.050))
    0 ms: a 0
    5 ms: preempt batch 0
    5 ms: b 2 3 4 5
    15 ms: a 0 1

    References
    ----------
    H. Zhang et al., "SHEPHERD: Serving DNNs in the wild", NSDI 2023, section on Flex: with a ratio of 3.03 its goodput
    is within a factor of 12.62 of the best that could be had, of one batch at a time.
    """

    def __init__(self, max_batch: int | None = None, preemption: bool = True, ratio: float = 3.03) -> None:
        check_parameters(
            "shepherd", whole("max_batch", max_batch), flag("preemption", preemption), number("ratio", ratio, 1.0)
        )
        self.max_batch = max_batch
        self.preemption = preemption
        self.ratio = ratio
        self._limits = Limits("shepherd", max_batch)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Drop what cannot be in time, then fill the free slots, the largest candidate first, or make one free."""
        if refused := self._limits.refusal(view, event):
            return refused
        if not view.free_slots:
            return self._replace(view) if self.preemption else ()
        waiting, drops = sort_out(view)

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            batch = self._largest(view, model, queue)
            if not batch:
                return None
            return Candidate((-len(batch), batch[0].deadline_s, batch[0].request_id), batch)

        return drops + fill_slots(view.free_slots, waiting, candidate)

    def _replace(self, view: View) -> Iterable[Decision]:
        """Preempt the smallest batch if a candidate is large enough; one at a time."""
        residents = view.residents
        if any(batch.preempted for batch in residents):
            return ()
        smallest = min(residents, key=lambda batch: (len(batch.requests), -batch.batch_id))
        needed = self.ratio * len(smallest.requests)
        waiting, _ = sort_out(view)
        if any(len(queue) >= needed and len(self._largest(view, model, queue)) >= needed
               for model, queue in waiting.items()):  # fmt: skip
            return (Preempt(smallest.batch_id, "kernel", keep=False),)
        return ()

    def _largest(self, view: View, model: str, queue: Sequence[Request]) -> tuple[Request, ...]:
        """Return the largest set in time together: at each size, those with enough time for it, the first due first."""
        best: tuple[Request, ...] = ()
        limit = self._limits.of(view, model)
        for size in view.profile.batch_sizes(model):
            finish_s = view.profile.solo_s(model, min(size, limit))
            feasible = (r for r in queue if view.now_s + finish_s * r.work <= r.deadline_s + HALF_NS)
            batch = fitting(feasible, min(size, limit))
            # Work is the largest in the batch, which may be too much for the others.
            work = max((request.work for request in batch), default=1.0)
            batch = tuple(r for r in batch if view.now_s + finish_s * work <= r.deadline_s + HALF_NS)
            if len(batch) > len(best):
                best = batch
            if size >= limit:
                break
        return best
