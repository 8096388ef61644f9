"""The dynamic batcher of NVIDIA Triton Inference Server."""

import heapq
import math
from collections.abc import Iterable
from itertools import islice
from typing import ClassVar, Literal

from isim.policies.expiry import count_expired, serving_order
from isim.policies.forming import Sizes, form_batch, profiled_sizes
from isim.policies.parameters import check_parameters, is_whole
from isim.policies.policy import Arrival, Decision, Dispatch, Drop, Event, Reject, Timer, View, WakeAt


class Dynamic:
    """Let each model's requests gather into batches of preferred sizes, but not for longer than a delay.

    A batch of a preferred size is sent at once; otherwise requests wait until the oldest has waited
    `max_queue_delay_s`, then all that fit are sent. A batch needs a free slot; without one, requests keep gathering,
    and timeouts are not looked at. When several models are ready, the one with the oldest request goes first. Left out
    of the original: priority levels, ragged shapes, and forming a batch ahead while every slot is taken.

    Parameters
    ----------
    max_batch
        Most samples in a batch, at least 1; the largest profiled size of each model if left out. A request that holds
        more is refused at its arrival.
    max_queue_delay_s
        How long the oldest request may wait for company, seconds, at least 0.
    preferred_batch_sizes
        Sizes worth sending at once, in samples; `max_batch` alone if left out.
    max_queue_size
        Most requests in a model's queue; an arrival beyond it is refused. No limit if left out.
    timeout_s
        A request that has waited longer than this, seconds, is timed out. No limit if left out.
    timeout_action
        What becomes of a request timed out: `reject` takes it out of the queue (recorded as dropped), `delay` serves
        it after all that are not timed out.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("a", 0.010), ("a", 0.011)]
    >>> print(rehearse(Dynamic(max_batch=2, max_queue_delay_s=0.003), arrivals, solo_s=0.004))
    1 ms: a 0 1
    11 ms: a 2 3

    References
    ----------
    Triton Inference Server, `core/src/dynamic_batch_scheduler.cc` (`GetDynamicBatch`) and `scheduler_utils.cc`
    (`PolicyQueue`); `preferred_batch_sizes` are completed as in `model_config_utils.cc`.
    """

    _name: ClassVar[str] = "dynamic"
    _size_parameter: ClassVar[str] = "max_batch"

    def __init__(
        self,
        max_batch: int | None = None,
        max_queue_delay_s: float = 0.0,
        preferred_batch_sizes: tuple[int, ...] = (),
        max_queue_size: int | None = None,
        timeout_s: float | None = None,
        timeout_action: Literal["reject", "delay"] = "reject",
    ) -> None:
        whole, known = "a whole number of at least 1", is_whole(max_batch)
        most = max_batch if known and max_batch else math.inf
        fit = all(is_whole(size) and size <= most for size in preferred_batch_sizes)
        sizes_rule = f"whole numbers from 1 to {most if known else 'the largest profiled size'}"
        check_parameters(
            "dynamic",
            ("max_batch", max_batch, max_batch is None or known, whole),
            ("max_queue_delay_s", max_queue_delay_s, max_queue_delay_s >= 0, "at least 0 seconds"),
            ("preferred_batch_sizes", preferred_batch_sizes, fit, sizes_rule),
            ("max_queue_size", max_queue_size, max_queue_size is None or is_whole(max_queue_size), whole),
            ("timeout_s", timeout_s, timeout_s is None or timeout_s > 0, "more than 0 seconds"),
            ("timeout_action", timeout_action, timeout_action in ("reject", "delay"), "reject or delay"),
        )
        self.max_batch = max_batch
        self.max_queue_delay_s = max_queue_delay_s
        self.preferred_batch_sizes = preferred_batch_sizes
        self.max_queue_size = max_queue_size
        self.timeout_s = timeout_s
        self.timeout_action = timeout_action
        self._sizes: dict[str, Sizes] = {}
        self._wake_s: dict[str, float] = {}  # when each model's pending timer fires
        # A slot stayed free and no model was ready: until an arrival or a timer of a model, that stays so.
        self._settled = False

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Refuse an arrival that the queue cannot take; send what is ready; ask to be woken for what is not."""
        models: Iterable[str] = ()
        if isinstance(event, Arrival):
            request = event.request
            model = request.model
            sizes = self._sizes.get(model) or self._learn_sizes(view, model)
            if request.samples > sizes.most:
                reason = f"holds {request.samples} samples, more than the largest batch, {sizes.most}"
                return (Reject((request,), reason),)
            if self.max_queue_size is not None and len(view.queues[model]) > self.max_queue_size:
                return (Reject((request,), f"queue full ({self.max_queue_size} requests)"),)
            models = (model,)
        elif isinstance(event, Timer):
            self._wake_s.pop(event.tag, None)
            models = (event.tag,)
        if not view.free_slots:
            self._settled = False
            return ()
        return self._send(view, models if self._settled else view.queues)

    def _send(self, view: View, models: Iterable[str]) -> list[Decision]:
        free, now_s, queues = view.free_slots, view.now_s, view.queues
        timeout_s, expired_last = self.timeout_s, self.timeout_action == "delay"
        decisions: list[Decision] = []
        heads = []
        for model in models:
            queue = queues[model]
            if not queue:
                continue
            expired = 0 if timeout_s is None else count_expired(queue, timeout_s, now_s)
            if expired and not expired_last:
                decisions.append(Drop(tuple(islice(queue, expired)), f"waited longer than {timeout_s} s"))
            head = next(serving_order(queue, expired, expired_last), None)
            if head is not None:
                heads.append((head.arrived_s, head.request_id, model, expired, 0))
        wake_ups = []
        heapq.heapify(heads)
        while heads and free:
            _, _, model, expired, sent = heapq.heappop(heads)
            queue = queues[model]
            sizes = self._sizes.get(model) or self._learn_sizes(view, model)
            waiting = serving_order(queue, expired, expired_last, sent)
            batch, wake_s = form_batch(waiting, sizes, self.max_queue_delay_s, timeout_s, now_s)
            if batch:
                decisions.append(Dispatch(tuple(batch)))
                free -= 1
                sent += len(batch)
                head = next(serving_order(queue, expired, expired_last, sent), None) if free else None
                if head is not None:
                    heapq.heappush(heads, (head.arrived_s, head.request_id, model, expired, sent))
            elif wake_s != self._wake_s.get(model) and wake_s < math.inf:
                wake_ups.append(WakeAt(wake_s, model))
        self._settled = free > 0
        if free:
            decisions += wake_ups
            self._wake_s.update((tag, time_s) for time_s, tag in wake_ups)
        return decisions

    def _learn_sizes(self, view: View, model: str) -> Sizes:
        asked = self.max_batch, self.preferred_batch_sizes
        self._sizes[model] = sizes = profiled_sizes(view, model, *asked, self._name, self._size_parameter)
        return sizes
