"""TensorFlow Serving's shared batch scheduler."""

from collections.abc import Iterable, Sequence
from typing import Literal

from isim.errors import PolicyError
from isim.policies.expiry import HALF_NS
from isim.policies.fitting import fitting
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, choice, seconds, sizes, whole
from isim.policies.policy import Arrival, Decision, Dispatch, Event, Reject, Request, View, WakeAt


class TfServing:
    """Close each model's batch when it is full or its first request has waited long enough; models take turns.

    Requests join the open batch of their model; one that does not fit closes it and opens the next. A free slot takes
    the first closed batch of the model whose turn it is, round robin. The slots are the original's batch threads.

    Parameters
    ----------
    max_batch_size
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.
    batch_timeout_s
        How long a batch may stay open after its first request arrived, seconds, at least 0.
    max_enqueued_batches
        Most batches that wait for one model, the open one included; a request that would begin another is refused.
    allowed_batch_sizes
        Sizes a batch may run at, the last being `max_batch_size`; the profiled sizes if left out.
    batch_padding_policy
        `pad-up` runs a batch at the next allowed size; `batch-down` sends only as many as fill an allowed size, and the
        rest begins the next batch. Under `pad-up` the allowed sizes must be those profiled up to the largest: a server
        runs a batch at the smallest profiled size that holds it.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, does not go with its profiled sizes.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("b", 0.001), ("a", 0.002), ("b", 0.009), ("a", 0.010)]
    >>> print(rehearse(TfServing(max_batch_size=2, batch_timeout_s=0.004), arrivals, solo_s=0.001))
    2 ms: a 0 2
    5 ms: b 1
    13 ms: b 3
    14 ms: a 4

    References
    ----------
    tensorflow/tensorflow, `core/kernels/batching_util/shared_batch_scheduler.h`; tensorflow/serving,
    `tensorflow_serving/batching/README.md`.
    """

    def __init__(
        self,
        max_batch_size: int | None = None,
        batch_timeout_s: float = 0.0,
        max_enqueued_batches: int = 10,
        allowed_batch_sizes: tuple[int, ...] = (),
        batch_padding_policy: Literal["pad-up", "batch-down"] = "pad-up",
    ) -> None:
        allowed = sizes("allowed_batch_sizes", allowed_batch_sizes, max_batch_size)
        if allowed.valid and allowed_batch_sizes:
            ordered = list(allowed_batch_sizes) == sorted(set(allowed_batch_sizes))
            allowed = allowed._replace(
                valid=ordered and allowed_batch_sizes[-1] == max_batch_size,
                rule="sizes in ascending order, the last equal to max_batch_size",
            )
        check_parameters(
            "tf-serving",
            whole("max_batch_size", max_batch_size),
            seconds("batch_timeout_s", batch_timeout_s),
            whole("max_enqueued_batches", max_enqueued_batches, required=True),
            allowed,
            choice("batch_padding_policy", batch_padding_policy, "pad-up", "batch-down"),
        )
        self.max_batch_size = max_batch_size
        self.batch_timeout_s = batch_timeout_s
        self.max_enqueued_batches = max_enqueued_batches
        self.allowed_batch_sizes = allowed_batch_sizes
        self.batch_padding_policy = batch_padding_policy
        self._limits = Limits("tf-serving", max_batch_size)
        self._allowed: dict[str, tuple[int, ...]] = {}
        self._turn = 0

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Refuse an arrival that finds its queue full, then serve the models in turn."""
        if refused := self._limits.refusal(view, event):
            return refused
        if isinstance(event, Arrival) and self._is_full(view, event.request.model):
            return (Reject((event.request,), f"{self.max_enqueued_batches} batches wait already"),)
        free, models = view.free_slots, list(view.queues)
        waiting = {model: list(view.queues[model]) for model in models} if free else {}
        decisions: list[Decision] = []
        idle = 0  # models in a row with nothing to send
        while free and idle < len(models):
            model = models[self._turn % len(models)]
            self._turn = (self._turn + 1) % len(models)
            batch = self._closed(view, model, waiting[model])
            idle = 0 if batch else idle + 1
            if batch:
                decisions.append(Dispatch(batch))
                waiting[model] = waiting[model][len(batch) :]
                free -= 1
        if free and (opened_s := [queue[0].arrived_s for queue in waiting.values() if queue]):
            decisions.append(WakeAt(max(view.now_s, min(opened_s) + self.batch_timeout_s)))
        return decisions

    def _is_full(self, view: View, model: str) -> bool:
        queue = view.queues[model]
        if len(queue) <= self.max_enqueued_batches:
            return False
        batches, limit, room = 0, self._limits.of(view, model), 0
        for request in queue:
            if request.samples > room:
                batches, room = batches + 1, limit
            room -= request.samples
        return batches > self.max_enqueued_batches

    def _closed(self, view: View, model: str, queue: Sequence[Request]) -> Sequence[Request]:
        """Return the model's first batch if it is closed, cut down to an allowed size if that is the rule."""
        batch = fitting(queue, self._limits.of(view, model))
        full = len(batch) < len(queue) or sum(request.samples for request in batch) == self._limits.of(view, model)
        if not batch or not (full or view.now_s >= batch[0].arrived_s + self.batch_timeout_s - HALF_NS):
            return ()
        allowed = self._allowed.get(model) or self._learn_allowed(view, model)
        if self.batch_padding_policy == "batch-down":
            samples = sum(request.samples for request in batch)
            down = max((size for size in allowed if size <= samples), default=samples)
            return fitting(batch, down) or batch
        return batch

    def _learn_allowed(self, view: View, model: str) -> tuple[int, ...]:
        limit = self._limits.of(view, model)
        profiled = tuple(size for size in view.profile.batch_sizes(model) if size <= limit)
        allowed = self.allowed_batch_sizes or profiled
        if self.batch_padding_policy == "pad-up" and allowed != profiled:
            raise PolicyError(
                f"policy tf-serving: allowed_batch_sizes are not the sizes of {model} that were profiled up to {limit} "
                f"(found {'/'.join(map(str, allowed))}, profiled {'/'.join(map(str, profiled))}), and a batch runs at "
                "the smallest profiled size that holds it; leave allowed_batch_sizes out, or profile those sizes alone"
            )
        self._allowed[model] = allowed
        return allowed
