"""Clipper's adaptive batching: the largest batch that is still in time, found by additive increase."""

import math
from collections.abc import Iterable

from isim.policies.filling import Candidate, fill_slots
from isim.policies.fitting import fitting
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, number, seconds, whole
from isim.policies.policy import Decision, Event, Finish, Observation, Request, View


class Clipper:
    """Batch up to a size per model that grows while full batches are quick enough, and shrinks after a slow one.

    A full batch whose measured duration is within the objective adds `inc` to its model's size; one that takes longer,
    full or not, multiplies it by `dec`. Without a predictor it so finds the largest size that is in time, and drifts
    down when co-runners slow its batches. The model with the oldest request goes first. Queueing is not looked at, as
    in the original, and nothing is dropped.

    Parameters
    ----------
    inc
        Samples added after a full batch in time, at least 1.
    dec
        Factor on the size after a late batch, more than 0 and less than 1; the size stays at least 1.
    slo_s
        The objective for a batch's duration, seconds; the least SLO among its requests if left out.
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> print(rehearse(Clipper(slo_s=0.020), [("a", 0.0)] * 6, solo_s=0.010))
    0 ms: a 0
    10 ms: a 1 2
    20 ms: a 3 4 5

    References
    ----------
    D. Crankshaw et al., "Clipper: A low-latency online prediction serving system", NSDI 2017, section 4.3 (additive
    increase, multiplicative decrease by 10 %). Its released code estimates quantiles instead; that is left out.
    """

    def __init__(
        self, inc: int = 1, dec: float = 0.9, slo_s: float | None = None, max_batch: int | None = None
    ) -> None:
        check_parameters(
            "clipper",
            whole("inc", inc, required=True),
            number("dec", dec, 0.0, 1.0 - 1e-9, above_least=True),
            seconds("slo_s", slo_s, above_zero=True),
            whole("max_batch", max_batch),
        )
        self.inc = inc
        self.dec = dec
        self.slo_s = slo_s
        self.max_batch = max_batch
        self._limits = Limits("clipper", max_batch)
        self._sizes: dict[str, int] = {}

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Learn from a finished batch, then fill the free slots, the model with the oldest request first."""
        if refused := self._limits.refusal(view, event):
            return refused
        if isinstance(event, Finish):
            self._learn(view, event.observation)
        if not view.free_slots:
            return ()

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            if not queue:
                return None
            # A request of many samples goes alone rather than never.
            batch = fitting(queue, max(self._sizes.get(model, 1), queue[0].samples))
            return Candidate((batch[0].arrived_s, batch[0].request_id), batch)

        waiting = {model: list(queue) for model, queue in view.queues.items() if queue}
        return fill_slots(view.free_slots, waiting, candidate)

    def _learn(self, view: View, observation: Observation) -> None:
        model, requests = observation.model, observation.requests
        size = self._sizes.get(model, 1)
        slo_s = self.slo_s or min(request.deadline_s - request.arrived_s for request in requests)
        if observation.duration_s > slo_s:
            self._sizes[model] = max(1, math.floor(size * self.dec))
        elif sum(request.samples for request in requests) >= size:
            self._sizes[model] = min(size + self.inc, self._limits.of(view, model))
