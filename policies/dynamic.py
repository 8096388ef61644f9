"""The dynamic batcher of NVIDIA Triton Inference Server."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

from isim.policies.expiry import HALF_NS
from isim.policies.fitting import too_large
from isim.policies.forming import Sizes, profiled_sizes
from isim.policies.parameters import check_parameters, choice, seconds, sizes, whole
from isim.policies.policy import Arrival, Decision, Event, Reject, Request, Timer, View, WakeAt
from isim.policies.turns import send_in_turn


class Dynamic:
    """Let each model's requests gather into batches of preferred sizes, but not for longer than a delay.

    A batch of a preferred size is sent at once; otherwise requests wait until the oldest has waited
    `max_queue_delay_s`, then all that fit are sent. A batch needs a free slot; without one, requests keep gathering,
    and timeouts are not looked at. When several models are ready, the one whose next request arrived first goes first;
    one that its timeout put behind others does not count before its turn. Left out of the original: priority levels,
    ragged shapes, and forming a batch ahead while every slot is taken.

    Parameters
    ----------
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.
    max_queue_delay_s
        How long the oldest request may wait for company, seconds, at least 0.
    preferred_batch_sizes
        Sizes worth sending at once, in samples; `max_batch` alone if left out.
    max_queue_size
        Most requests in a model's queue; an arrival beyond it is refused. No limit if left out.
    timeout_s
        A request that has waited longer, seconds, is timed out. No limit if left out.
    timeout_action
        `reject` drops a request timed out from the queue; `delay` serves it after all that are not timed out.

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
        check_parameters(
            "dynamic",
            whole("max_batch", max_batch),
            seconds("max_queue_delay_s", max_queue_delay_s),
            sizes("preferred_batch_sizes", preferred_batch_sizes, max_batch),
            whole("max_queue_size", max_queue_size),
            seconds("timeout_s", timeout_s, above_zero=True),
            choice("timeout_action", timeout_action, "reject", "delay"),
        )
        self.max_batch = max_batch
        self.max_queue_delay_s = max_queue_delay_s
        self.preferred_batch_sizes = preferred_batch_sizes
        self.max_queue_size = max_queue_size
        self.timeout_s = timeout_s
        self.timeout_action = timeout_action
        self._sizes: dict[str, Sizes] = {}
        self._wake_s: dict[str, float] = {}  # when each model's pending timer fires
        # A slot stayed free and no model was ready: a model stays unready until its next arrival or timer.
        self._settled = False

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Refuse an arrival that the queue cannot take; send what is ready; ask to be woken for what is not."""
        changed = None
        queues = view.queues
        decisions: list[Decision] = []
        if isinstance(event, Arrival):
            request = event.request
            model = request.model
            most = (self._sizes.get(model) or self._learn_sizes(view, model)).most
            full = self.max_queue_size is not None and len(queues[model]) > self.max_queue_size
            if full or request.samples > most:
                decisions.append(self._refusal(request, most))
                queues = {**queues, model: list(queues[model])[:-1]}  # it is still in there, as the last
            else:
                changed = model
        elif isinstance(event, Timer):
            self._wake_s.pop(event.tag, None)
            changed = event.tag
        if not view.free_slots:
            self._settled = False
            return decisions
        if not self._settled:
            return self._send(view, queues, queues, decisions)
        # Other events of this instant may come before the timers of this instant.
        until_s = view.now_s + HALF_NS
        models = [model for model, wake_s in self._wake_s.items() if wake_s < until_s and model != changed]
        if changed is not None:
            models.append(changed)
        return self._send(view, queues, models, decisions) if models else decisions

    def _refusal(self, request: Request, most: int) -> Reject:
        if request.samples > most:
            return too_large(request, most)
        return Reject((request,), f"queue full ({self.max_queue_size} requests)")

    def _send(
        self, view: View, queues: Mapping[str, Sequence[Request]], models: Iterable[str], decisions: list[Decision]
    ) -> list[Decision]:
        """Add to `decisions` what to do about some models."""
        free, now_s, timeout_s = view.free_slots, view.now_s, self.timeout_s
        expired_last = self.timeout_action == "delay"
        timed_out, batches, wakes_s = send_in_turn(
            queues, models, free, self._sizes, self.max_queue_delay_s, timeout_s, now_s, expired_last
        )
        decisions += timed_out
        decisions += batches
        self._settled = free > len(batches)
        for model, wake_s in wakes_s.items() if self._settled else ():
            if wake_s != self._wake_s.get(model):
                decisions.append(WakeAt(wake_s, model))
                self._wake_s[model] = wake_s
        return decisions

    def _learn_sizes(self, view: View, model: str) -> Sizes:
        sizes = self.max_batch, self.preferred_batch_sizes
        self._sizes[model] = limits = profiled_sizes(view, model, *sizes, self._name, self._size_parameter)
        return limits
