"""Shepherd's choice of batches, without its preemption."""

from collections.abc import Iterable, Sequence

from isim.policies.deadlines import sort_out
from isim.policies.expiry import HALF_NS
from isim.policies.filling import Candidate, fill_slots
from isim.policies.fitting import fitting
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, whole
from isim.policies.policy import Decision, Event, Request, View


class Shepherd:
    """Serve the model that can have the most requests in time by one batch, whenever a slot is free.

    A model's candidate is the largest set of requests that all are in time if they run together from now on; requests
    with too little time for that size stay behind, and are dropped when they would be late even alone. This is the
    choice of the original's online algorithm Flex without its preemption, which lets a candidate of some three times
    the requests replace a running batch; so the original's competitive ratio does not hold here. Equal candidates go by
    deadline.

    Parameters
    ----------
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.

    Raises
    ------
    PolicyError
        `max_batch` is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("b", 0.003), ("b", 0.004)]
    >>> print(rehearse(Shepherd(), arrivals, solo_s=0.010, slo_s=0.050))
    0 ms: a 0
    10 ms: b 2 3 4
    20 ms: a 1

    References
    ----------
    H. Zhang et al., "SHEPHERD: Serving DNNs in the wild", NSDI 2023, section on Flex.
    """

    def __init__(self, max_batch: int | None = None) -> None:
        check_parameters("shepherd", whole("max_batch", max_batch))
        self.max_batch = max_batch
        self._limits = Limits("shepherd", max_batch)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Drop what cannot be in time, then fill the free slots, the largest candidate first."""
        if refused := self._limits.refusal(view, event):
            return refused
        if not view.free_slots:
            return ()
        waiting, drops = sort_out(view)

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            batch = self._largest(view, model, queue)
            if not batch:
                return None
            return Candidate((-len(batch), batch[0].deadline_s, batch[0].request_id), batch)

        return drops + fill_slots(view.free_slots, waiting, candidate)

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
