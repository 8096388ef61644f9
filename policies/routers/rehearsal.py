"""Drive a router without the simulator: GPUs of fixed durations in virtual time."""

import heapq
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, RehearsalView, RehearsedBatch
from isim.policies.routers.router import Router


class RehearsedFleet:
    """GPUs that serve what they are sent in order of arrival, one request a batch.

    What a router sees of it are plain lists, so that a router that changes them can be found out.

    Parameters
    ----------
    profiles
        Of each GPU, how long batches take there.
    models
        Of each GPU, which models it serves.
    slots
        Batches that each GPU holds at once.
    predictor
        What every GPU's view shows.
    """

    def __init__(
        self, profiles: Sequence[FixedProfile], models: Sequence[Collection[str]], slots: int, predictor: Any = None
    ) -> None:
        self.now_s = 0.0
        self.slots = slots
        self.able: dict[str, tuple[int, ...]] = {
            model: tuple(gpu for gpu, own in enumerate(models) if model in own)
            for model in dict.fromkeys(model for own in models for model in own)
        }
        self.open_requests = [0] * len(profiles)
        self.open_work_ns = [0] * len(profiles)
        self.servers = [RehearsalView(own, slots, profile) for own, profile in zip(models, profiles, strict=True)]
        for view in self.servers:
            view.predictor = predictor
        self._running: list[tuple[float, int, int, RehearsedBatch]] = []

    def advance(self, now_s: float) -> None:
        """Let everything finish that is done by `now_s`."""
        while self._running and self._running[0][0] <= now_s:
            finished_s, _, gpu, batch = heapq.heappop(self._running)
            view = self.servers[gpu]
            view.residents.remove(batch)
            view.free_slots += 1
            self.open_requests[gpu] -= 1
            self.open_work_ns[gpu] -= self._work_ns(gpu, batch.requests[0])
            self._start(gpu, finished_s)
        self.now_s = now_s
        for view in self.servers:
            view.now_s = now_s

    def send(self, gpu: int, request: Request) -> None:
        """Let a request, which arrives now, join the queue of a GPU."""
        view = self.servers[gpu]
        view.queues[request.model].append(request)
        view._arrived_s[request.model].append(request.arrived_s)
        self.open_requests[gpu] += 1
        self.open_work_ns[gpu] += self._work_ns(gpu, request)
        self._start(gpu, request.arrived_s)

    def _start(self, gpu: int, now_s: float) -> None:
        view = self.servers[gpu]
        while view.free_slots and (queues := [queue for queue in view.queues.values() if queue]):
            request = min(queues, key=lambda queue: (queue[0].arrived_s, queue[0].request_id)).popleft()
            size = view.profile.runs_as(request.samples)
            solo_s = view.profile.solo_s(request.model, size) * request.work
            batch = RehearsedBatch(request.request_id, (request,), size, solo_s, now_s)
            view.residents.append(batch)
            view.free_slots -= 1
            heapq.heappush(self._running, (batch.finished_s, batch.batch_id, gpu, batch))

    def _work_ns(self, gpu: int, request: Request) -> int:
        return round(self.servers[gpu].profile.solo_s(request.model, request.samples) * request.work * 1e9)


Choose = Callable[[RehearsedFleet, Request], int]


def send_all(choose: Choose, fleet: RehearsedFleet, requests: Iterable[Request]) -> list[int]:
    """Return the GPU that each request is sent to, at its arrival."""
    chosen = []
    for request in requests:
        fleet.advance(request.arrived_s)
        gpu = choose(fleet, request)
        fleet.send(gpu, request)
        chosen.append(gpu)
    return chosen


def rehearse_router(
    router: Router, arrivals: Iterable[tuple[str, float]], gpus: int = 2, solo_s: float = 0.01, slots: int = 1
) -> list[int]:
    """Show where a router sends scripted arrivals, on GPUs that are all alike.

    Parameters
    ----------
    router
        The router.
    arrivals
        (model, arrival in seconds), in order of time.
    gpus
        How many.
    solo_s
        Duration of every batch, seconds.
    slots
        Batches that each GPU holds at once.

    Examples
    --------
    >>> from isim.policies.routers.join_shortest_queue import JoinShortestQueue
    >>> rehearse_router(JoinShortestQueue(), [("a", 0.0), ("a", 0.001), ("a", 0.002), ("a", 0.010)])
    [0, 1, 0, 1]
    """
    requests = [
        Request(number, model, arrived_s, math.inf, 0, 1, 1.0) for number, (model, arrived_s) in enumerate(arrivals)
    ]
    models = tuple(dict.fromkeys(request.model for request in requests))
    profiles = [FixedProfile((1,), solo_s, 0.0)] * gpus
    return send_all(router.route, RehearsedFleet(profiles, [models] * gpus, slots), requests)
