"""Shortest job first."""

from collections.abc import Iterable
from itertools import islice

from isim.policies.deadlines import batch_solo_s
from isim.policies.filling import Candidate, fill_slots
from isim.policies.fitting import fitting
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, whole
from isim.policies.policy import Decision, Event, Request, View


class ShortestFirst:
    """Serve the model whose next batch takes the least time per request, whenever a slot is free.

    A batch is what waits for the model, oldest first, as far as it fits. For batches of one this is shortest job first;
    with more, dividing by the number of requests is Smith's rule, which makes the mean waiting time least. Models that
    take long may wait for ever while quicker ones keep the GPU busy.

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
    >>> print(rehearse(ShortestFirst(), [("a", 0.0), ("b", 0.001), ("a", 0.002), ("a", 0.003)], solo_s=0.01))
    0 ms: a 0
    10 ms: a 2 3
    20 ms: b 1

    References
    ----------
    W. E. Smith, "Various optimizers for single-stage production", Naval Research Logistics Quarterly 3, 1956.
    """

    def __init__(self, max_batch: int | None = None) -> None:
        check_parameters("shortest-first", whole("max_batch", max_batch))
        self.max_batch = max_batch
        self._limits = Limits("shortest-first", max_batch)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Fill the free slots, the quickest batch first."""
        if refused := self._limits.refusal(view, event):
            return refused
        if not view.free_slots:
            return ()
        most = view.free_slots
        waiting = {
            # No more can leave now.
            model: list(islice(queue, most * self._limits.of(view, model)))
            for model, queue in view.queues.items()
            if queue
        }

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            if not queue:
                return None
            batch = fitting(queue, self._limits.of(view, model))
            each_s = batch_solo_s(view.profile, batch) / len(batch)
            return Candidate((each_s, batch[0].arrived_s, batch[0].request_id), batch)

        return fill_slots(view.free_slots, waiting, candidate)
