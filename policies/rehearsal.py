"""Drive a policy without the simulator: a server of fixed durations in virtual time."""

import heapq
import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from isim.errors import PolicyError
from isim.policies.policy import (
    Arrival,
    Decision,
    Dispatch,
    Drop,
    Event,
    Finish,
    Overlap,
    Policy,
    Preempt,
    Preempted,
    Reject,
    Request,
    Timer,
    WakeAt,
)

_FINISH, _ARRIVAL, _TIMER = range(3)
"""Order of events at one instant."""
_DECISIONS_AT_ONCE = 10_000
"""More than these is a policy that never comes to an end."""


class RehearsedBatch:
    """A batch of the rehearsal: resident, later observed."""

    def __init__(self, batch_id: int, requests: tuple[Request, ...], batch_size: int, solo_s: float, now_s: float):
        self.batch_id = batch_id
        self.model = requests[0].model
        self.batch_size = batch_size
        self.requests = requests
        self.dispatched_s = now_s
        self.finished_s = round(now_s + solo_s, 9)
        self.duration_s = self.solo_s = solo_s
        self.preempted = False
        self.overlaps: list[Overlap] = []


class FixedProfile:
    """A profile in which every batch of a model takes `fixed_s + per_sample_s * size`, seconds."""

    def __init__(self, batch_sizes: Sequence[int], fixed_s: float, per_sample_s: float) -> None:
        self._batch_sizes = tuple(batch_sizes)
        self.fixed_s = fixed_s
        self.per_sample_s = per_sample_s

    def batch_sizes(self, model: str) -> Sequence[int]:
        """Return the same sizes for every model."""
        return self._batch_sizes

    def solo_s(self, model: str, samples: int) -> float:
        """Return the duration at the smallest size that holds the samples."""
        return self.fixed_s + self.per_sample_s * self.runs_as(samples)

    def features(self, model: str, batch_size: int) -> Mapping[str, float]:
        """Return the same resource use for every batch."""
        return {"sm": 0.5, "memory": 0.5}

    def sm_share(self, model: str) -> float:
        """Return the whole GPU."""
        return 1.0

    def kernels(self, model: str, batch_size: int) -> None:
        """Return nothing: durations are all there is."""

    def runs_as(self, samples: int) -> int:
        """Return the smallest size that holds the samples."""
        return next(size for size in self._batch_sizes if size >= samples)


class RehearsalView:
    """What the policy sees. Its queues are plain deques, so that a policy that changes them can be found out."""

    def __init__(self, models: Iterable[str], slots: int, profile: FixedProfile) -> None:
        self.now_s = 0.0
        self.queues: dict[str, deque[Request]] = {model: deque() for model in models}
        self.residents: list[RehearsedBatch] = []
        self.free_slots = slots
        self.profile = profile
        self.predictor: Any = None
        self._arrived_s: dict[str, deque[float]] = {model: deque(maxlen=100) for model in self.queues}

    def arrival_rate_rps(self, model: str) -> float:
        """Return the rate over the model's last 100 arrivals (0 before the second)."""
        times_s = self._arrived_s[model]
        if len(times_s) < 2 or times_s[0] >= self.now_s:
            return 0.0
        return (len(times_s) - 1) / (self.now_s - times_s[0])


class Rehearsal:
    """A server that carries out a policy's decisions on requests known beforehand.

    Parameters
    ----------
    policy
        The policy.
    requests
        The requests, in any order.
    slots
        Batches at once.
    profile
        Durations, which do not depend on what runs beside.
    """

    def __init__(self, policy: Policy, requests: Iterable[Request], slots: int, profile: FixedProfile) -> None:
        requests = list(requests)
        self.view = RehearsalView(dict.fromkeys(request.model for request in requests), slots, profile)
        self.log: list[tuple[float, Decision]] = []
        """Every decision and its time, seconds."""
        self.events = 0
        self._policy = policy
        self._dispatched = 0
        self._open = len(requests)
        self._pending: list[tuple[float, int, int, Any]] = [
            (request.arrived_s, _ARRIVAL, request.request_id, request) for request in requests
        ]
        heapq.heapify(self._pending)
        self._timers: dict[str, int] = {}
        self._changed_s = 0.0
        self._kept: dict[int, tuple[tuple[Request, ...], float]] = {}
        """What is left of a preempted batch, seconds, by the request at its head."""

    def run(self, most_events: int = 1_000_000) -> "Rehearsal":
        """Go on until every request has ended, nothing is left to happen, or `most_events` have."""
        while self._open and self._pending and self.events < most_events:
            self._step(*heapq.heappop(self._pending))
        return self

    def _step(self, time_s: float, kind: int, number: int, what: Any) -> None:
        event: Event
        if kind == _TIMER:
            if self._timers.get(what) != number:
                return  # moved since
            del self._timers[what]
            event = Timer(what)
        elif kind == _ARRIVAL:
            event = Arrival(what)
        elif what not in self.view.residents:
            return  # preempted since
        else:
            event = Preempted(what) if what.preempted else Finish(what)
        self.view.now_s = time_s
        if isinstance(event, Arrival):
            self.view.queues[what.model].append(what)
            self.view._arrived_s[what.model].append(time_s)
        elif isinstance(event, Finish):
            self._change_residents(what)
            self.view.free_slots += 1
            self._open -= len(what.requests)
        elif isinstance(event, Preempted):
            self._change_residents(what)
            self.view.free_slots += 1
            queue = self.view.queues[what.model]
            waiting = sorted([*queue, *what.requests], key=lambda request: (request.arrived_s, request.request_id))
            queue.clear()
            queue.extend(waiting)
        self.events += 1
        for count, decision in enumerate(self._policy.decide(self.view, event)):
            if count == _DECISIONS_AT_ONCE:
                raise PolicyError(
                    f"rehearsal: decided more than {count} times on one {type(event).__name__}; "
                    "let decide come to an end"
                )
            self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> None:
        now_s = self.view.now_s
        self.log.append((now_s, decision))
        if isinstance(decision, WakeAt):
            self._timers[decision.tag] = number = len(self.log)
            # Whole nanoseconds, like finishes, so that what should coincide does.
            heapq.heappush(self._pending, (max(round(decision.time_s, 9), now_s), _TIMER, number, decision.tag))
            return
        if isinstance(decision, Preempt):
            self._preempt(decision)
            return
        for request in decision.requests:
            self.view.queues[request.model].remove(request)
        if not isinstance(decision, Dispatch):
            self._open -= len(decision.requests)
            return
        requests = tuple(decision.requests)
        size = self.view.profile.runs_as(sum(request.samples for request in requests))
        solo_s = self.view.profile.solo_s(requests[0].model, size) * max(request.work for request in requests)
        together, left_s = self._kept.pop(requests[0].request_id, (requests, solo_s))
        solo_s = left_s if together == requests else solo_s
        batch = RehearsedBatch(self._dispatched, requests, size, solo_s, now_s)
        self._dispatched += 1
        self._change_residents(batch)
        self.view.free_slots -= 1
        heapq.heappush(self._pending, (batch.finished_s, _FINISH, batch.batch_id, batch))

    def _preempt(self, decision: Preempt) -> None:
        """Let a batch leave at once: there are no kernels here, and it costs nothing."""
        batch = next(each for each in self.view.residents if each.batch_id == decision.batch_id)
        now_s = self.view.now_s
        if batch.finished_s <= now_s:  # it is done
            return
        batch.preempted = True
        if decision.keep:
            self._kept[batch.requests[0].request_id] = batch.requests, batch.finished_s - now_s
        heapq.heappush(self._pending, (now_s, _FINISH, batch.batch_id, batch))

    def _change_residents(self, batch: RehearsedBatch) -> None:
        """Close the overlap of the present residents, then let `batch` in, or out if it was in."""
        residents, now_s = self.view.residents, self.view.now_s
        if now_s > self._changed_s:
            overlap = Overlap(self._changed_s, now_s, tuple(resident.batch_id for resident in residents))
            for resident in residents:
                resident.overlaps.append(overlap)
        self._changed_s = now_s
        residents.remove(batch) if batch in residents else residents.append(batch)

    def __str__(self) -> str:
        lines = []
        for time_s, decision in self.log:
            if isinstance(decision, WakeAt):
                continue
            if isinstance(decision, Preempt):
                lines.append(f"{round(time_s * 1000, 6):.15g} ms: preempt batch {decision.batch_id}")
                continue
            what = {Dispatch: decision.requests[0].model, Reject: "reject", Drop: "drop"}[type(decision)]
            ids = " ".join(str(request.request_id) for request in decision.requests)
            lines.append(f"{round(time_s * 1000, 6):.15g} ms: {what} {ids}")
        return "\n".join(lines)


def rehearse(
    policy: Policy,
    arrivals: Iterable[tuple[str, float] | tuple[str, float, int]],
    solo_s: float = 0.01,
    slots: int = 1,
    batch_sizes: Sequence[int] = (1, 2, 4, 8),
    slo_s: float = math.inf,
) -> Rehearsal:
    """Show what a policy does with scripted arrivals.

    Parameters
    ----------
    policy
        The policy.
    arrivals
        (model, arrival in seconds) or (model, arrival in seconds, samples); requests are numbered in this order.
    solo_s
        Duration of every batch, seconds.
    slots
        Batches at once.
    batch_sizes
        Profiled sizes of every model.
    slo_s
        Deadline after arrival, seconds.

    Examples
    --------
    >>> from isim.policies.greedy import Greedy
    >>> print(rehearse(Greedy(), [("a", 0.0), ("a", 0.001), ("a", 0.002)]))
    0 ms: a 0
    10 ms: a 1 2
    """
    requests = [
        Request(i, model, arrived_s, arrived_s + slo_s, 0, samples[0] if samples else 1, 1.0)
        for i, (model, arrived_s, *samples) in enumerate(arrivals)
    ]
    return Rehearsal(policy, requests, slots, FixedProfile(batch_sizes, solo_s, 0.0)).run()
