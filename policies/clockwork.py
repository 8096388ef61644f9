"""Clockwork: predictable by choice of what to start, from what was measured last."""

import math
from collections import deque
from collections.abc import Iterable, Sequence

from isim.policies.deadlines import by_deadline
from isim.policies.expiry import HALF_NS
from isim.policies.filling import Candidate, fill_slots
from isim.policies.fitting import fitting
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, number, seconds, whole
from isim.policies.policy import Arrival, Decision, Drop, Event, Finish, Reject, Request, View


class Clockwork:
    """Start the batch whose latest start comes first; refuse in advance what could only be late.

    A batch of each size is expected to take a high percentile of its last measured durations (the profiled one before
    the first). Every model offers, at each size, its requests that such a batch would still serve in time; the model
    with the earliest latest start goes, at the largest size it can fill. Late completions can then come only from
    durations that were misjudged: none on one exclusive slot without noise, and some beside co-runners, whose effect is
    known only after the fact. Left out: loading of weights, and sending work ahead to a worker with a window to start
    in, since a batch here starts when it is dispatched.

    Parameters
    ----------
    percentile
        Of the last durations, more than 0, at most 1; the nearest rank.
    measurements
        How many last durations of each (model, size) are kept, at least 1.
    buffer_s
        Taken off every deadline, seconds, at least 0. The original takes 5 ms of an SLO of 100 ms for its network.
    max_duration_s
        Sizes expected to take longer are not used, seconds; size 1 always is. No limit if left out.
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("a", 0.003), ("a", 0.004)]
    >>> print(rehearse(Clockwork(), arrivals, solo_s=0.010, slo_s=0.0245))
    0 ms: a 0
    10 ms: a 1 3 4
    20 ms: drop 2

    References
    ----------
    A. Gujarati et al., "Serving DNNs like Clockwork: Performance predictability from the bottom up", OSDI 2020,
    section 5.3.
    """

    def __init__(
        self,
        percentile: float = 0.99,
        measurements: int = 10,
        buffer_s: float = 0.0,
        max_duration_s: float | None = None,
        max_batch: int | None = None,
    ) -> None:
        check_parameters(
            "clockwork",
            number("percentile", percentile, 0.0, 1.0, above_least=True),
            whole("measurements", measurements, required=True),
            seconds("buffer_s", buffer_s),
            seconds("max_duration_s", max_duration_s, above_zero=True),
            whole("max_batch", max_batch),
        )
        self.percentile = percentile
        self.measurements = measurements
        self.buffer_s = buffer_s
        self.max_duration_s = max_duration_s
        self.max_batch = max_batch
        self._limits = Limits("clockwork", max_batch)
        self._measured_s: dict[tuple[str, int], deque[float]] = {}
        self._expected_s: dict[tuple[str, int], float] = {}

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Learn from a finished batch, refuse what cannot be in time, and fill the free slots."""
        if refused := self._limits.refusal(view, event):
            return refused
        if isinstance(event, Finish):
            batch = event.observation
            work = max(request.work for request in batch.requests)
            self._learn(batch.model, batch.batch_size, batch.duration_s / work)
        if not view.free_slots:
            return self._refuse(view, event.request) if isinstance(event, Arrival) else ()
        drops: list[Decision] = []
        waiting: dict[str, list[Request]] = {}
        for model, queue in view.queues.items():
            ordered = by_deadline(queue)
            late = 0
            while late < len(ordered) and not self._in_time(view, ordered[late], ordered[late].samples, view.now_s):
                late += 1
            if late:
                drops.append(Drop(ordered[:late], "cannot be in time"))
            waiting[model] = ordered[late:]
        return drops + fill_slots(view.free_slots, waiting, lambda model, queue: self._candidate(view, model, queue))

    def _candidate(self, view: View, model: str, queue: Sequence[Request]) -> Candidate | None:
        """Return the largest batch that can be filled, ranked by the earliest latest start at any size."""
        best: tuple[Request, ...] = ()
        latest_start_s, smaller = math.inf, 0
        for size in view.profile.batch_sizes(model):
            if smaller >= self._limits.of(view, model) or (
                smaller and self._expect_s(view, model, size) > (self.max_duration_s or math.inf)
            ):
                break
            batch = fitting(
                (request for request in queue if self._in_time(view, request, size, view.now_s)),
                min(size, self._limits.of(view, model)),
            )
            if sum(request.samples for request in batch) > smaller:  # it runs at this size
                best = batch
                start_s = batch[0].deadline_s - self.buffer_s - self._expect_s(view, model, size) * batch[0].work
                latest_start_s = min(latest_start_s, start_s)
            smaller = size
        return Candidate((latest_start_s, best[0].arrived_s, best[0].request_id), best) if best else None

    def _refuse(self, view: View, request: Request) -> Sequence[Decision]:
        free_s = min(
            max(view.now_s, batch.dispatched_s + self._expect_s(view, batch.model, batch.batch_size))
            for batch in view.residents
        )
        if self._in_time(view, request, request.samples, free_s):
            return ()
        return (Reject((request,), "cannot be in time"),)

    def _in_time(self, view: View, request: Request, samples: int, start_s: float) -> bool:
        finish_s = start_s + self._expect_s(view, request.model, samples) * request.work
        return finish_s <= request.deadline_s - self.buffer_s + HALF_NS

    def _expect_s(self, view: View, model: str, samples: int) -> float:
        size = next(size for size in view.profile.batch_sizes(model) if size >= samples)
        expected_s = self._expected_s.get((model, size))
        return view.profile.solo_s(model, size) if expected_s is None else expected_s

    def _learn(self, model: str, size: int, duration_s: float) -> None:
        last_s = self._measured_s.setdefault((model, size), deque(maxlen=self.measurements))
        last_s.append(duration_s)
        self._expected_s[model, size] = sorted(last_s)[math.ceil(self.percentile * len(last_s)) - 1]
