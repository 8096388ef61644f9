"""Which batch a model should send beside what runs, and what would come of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from isim.policies.busy_rates import BusyRates
from isim.policies.expiry import HALF_NS
from isim.policies.fitting import fitting
from isim.policies.forecast import Forecast, Forecaster, Running
from isim.policies.policy import Request, View


class Plan(NamedTuple):
    """A batch, and what would come of starting it now."""

    batch: Running
    fits: bool
    """Whether it is in time, with the margin asked for."""
    harmed: int
    """Requests on the GPU that it would make late."""
    latest_s: float
    """When it must start at the latest, if it runs beside those that run now."""
    together: tuple[Forecast, ...]
    """When each of those that run would finish, and it."""
    due_s: float
    """The earliest deadline in it."""
    holds_s: float
    """How much longer the GPU would be busy."""


class Considers(NamedTuple):
    """What a plan takes into account; `isim.policies.interference_aware` says what each means."""

    z: float
    batching: bool
    triage: bool
    peer_check: bool
    deferral: bool
    reserve: float | None
    priority: bool
    slo_s: Mapping[str, float]
    """The shortest objective that requests of each model had so far."""
    rates: BusyRates


class Planner:
    """Form batches beside what runs now.

    Parameters
    ----------
    gpu
        Tells when batches finish.
    considers
        What to take into account.
    view, running
        The server, and what runs on it; a planner is good for one decision.
    """

    def __init__(self, gpu: Forecaster, considers: Considers, view: View, running: Sequence[Running]) -> None:
        self.gpu = gpu
        self.considers = considers
        self.view = view
        self.running = running
        self._before = gpu.finishes(view, running)
        self._idle_s = max((forecast.finish_s for forecast in self._before), default=view.now_s)
        """When all of them should have finished."""
        self.free_s = min((forecast.finish_s for forecast in self._before), default=view.now_s)
        """When the first batch should finish."""

    def best(self, queue: Sequence[Request], limit: int) -> Plan:
        """Return the batch with the most requests in time, less those passed by to make it, preferring harmless ones.

        A batch begins with the first request that has time for one of its size. If none is in time, one request goes.
        """
        most = fitting(queue, limit)
        if not self.considers.batching:
            return self._try(most)
        found: tuple[tuple[bool, int, int], Plan] | None = None
        for count in range(len(most), 0, -1):
            plan = self._try(most[:count])
            skip = self._passed_by(queue, plan)
            if skip:
                batch = fitting(queue[skip : skip + count], limit)
                plan = self._try(batch) if len(batch) == count else plan
            if plan.fits:
                rank = not plan.harmed, count - skip, count
                if found is None or rank > found[0]:
                    found = rank, plan
        return plan if found is None else found[1]

    def _passed_by(self, queue: Sequence[Request], plan: Plan) -> int:
        """Return how many requests have too little time for a batch of this size."""
        own = plan.together[-1]
        due_s = own.finish_s + self.considers.z * own.sd_s - HALF_NS
        return next((i for i, request in enumerate(queue) if request.deadline_s >= due_s), 0)

    def hopeless(self, queue: Iterable[Request]) -> list[Request]:
        """Return the requests that would be late even alone beside what runs."""
        finish_s: dict[tuple[int, float], float] = {}
        late = []
        for request in queue:
            kind = request.samples, request.work
            if kind not in finish_s:
                finish_s[kind] = self._try((request,)).together[-1].finish_s
            if finish_s[kind] > request.deadline_s + HALF_NS:
                late.append(request)
        return late

    def is_too_late(self, request: Request) -> bool:
        """Return whether a request would be late by itself in the first slot that is free."""
        alone_s = self.gpu.batch(self.view, (request,)).left_s
        return self.free_s + alone_s > request.deadline_s + HALF_NS

    def _try(self, requests: Sequence[Request]) -> Plan:
        batch = self.gpu.batch(self.view, requests)
        together = self.gpu.finishes(self.view, [*self.running, batch])
        own, z = together[-1], self.considers.z
        due_s = min(request.deadline_s for request in requests)
        fits = own.finish_s + z * own.sd_s <= due_s + HALF_NS
        harmed = 0
        if self.considers.peer_check:
            for peer, was, now in zip(self.running, self._before, together, strict=False):
                harmed += sum(
                    was.finish_s <= request.deadline_s + HALF_NS < now.finish_s + z * now.sd_s
                    for request in peer.requests
                    if not self.considers.priority or request.priority >= requests[0].priority
                )
        holds_s = max(forecast.finish_s for forecast in together) - self._idle_s
        return Plan(batch, fits, harmed, due_s - (own.finish_s - self.view.now_s), tuple(together), due_s, holds_s)
