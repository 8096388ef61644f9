"""The project's own: earliest deadline first that knows what batches do to one another."""

import math
from collections.abc import Iterable
from functools import partial

from isim.policies.busy_rates import BusyRates
from isim.policies.co_location_choice import Choice
from isim.policies.co_location_plan import Considers, Planner
from isim.policies.deadlines import by_deadline
from isim.policies.forecast import Forecaster, Running
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, flag, number, whole
from isim.policies.policy import Arrival, Decision, Dispatch, Drop, Event, Reject, View, WakeAt


class InterferenceAware:
    """Serve what is due first, in batches whose own and whose co-runners' deadlines hold beside each other.

    Each model forms the batch that, by the predictor, has the most requests in time beside what runs now and makes none
    of that late; the one that is due first goes first. Where not all can be in time one after another, those that hold
    the GPU longest for each request go last. A batch *waits*, as long as it can still be in time after the first batch
    that finishes, if it would harm one that runs, if joining costs the GPU more time per request than a batch by itself
    later, or if with the last free slot it would block too many requests to come; one that cannot wait still does not
    start if it harms as many requests as it serves. Requests that would be late even alone beside what runs are
    *dropped*. Without a predictor no batch is expected to slow another down; one that tells when batches finish
    (`isim.policies.predictors.predictor.Foretelling`) is asked just that.

    Parameters
    ----------
    z
        Deadlines must hold at the predicted finish plus this many standard deviations, at least 0. One request that is
        left out of a batch of n is lost for sure; taken along, it risks all n, which pays while the batch is late with
        a probability below 1 / n: at 1, up to 6.
    admission
        Refuse and drop requests that cannot be in time.
    batching
        Choose batch sizes by deadlines; without it, a batch is all that fits.
    triage
        Put off what takes the GPU longest per request, where not all that waits can be in time.
    peer_check
        Look at the deadlines of what runs.
    deferral
        Wait where joining costs more GPU time per request than running by itself later.
    reserve
        Leave the last slot free if a batch in it would make late more than this many requests to come for each of its
        own, at least 0; never if none. How many come is told by the rate while the GPU is busy.
    priority
        Requests of a higher priority go first, and may make batches of a lower one late.
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("a", 0.003)]
    >>> print(rehearse(InterferenceAware(), arrivals, solo_s=0.010, slo_s=0.030))
    0 ms: a 0
    10 ms: a 1 3
    20 ms: b 2
    """

    def __init__(
        self,
        z: float = 1.0,
        admission: bool = True,
        batching: bool = True,
        triage: bool = True,
        peer_check: bool = True,
        deferral: bool = True,
        reserve: float | None = 0.02,
        priority: bool = True,
        max_batch: int | None = None,
    ) -> None:
        check_parameters(
            "interference-aware",
            number("z", z, 0.0),
            flag("admission", admission),
            flag("batching", batching),
            flag("triage", triage),
            flag("peer_check", peer_check),
            flag("deferral", deferral),
            number("reserve", reserve, 0.0),
            flag("priority", priority),
            whole("max_batch", max_batch),
        )
        self.z = z
        self.admission = admission
        self.batching = batching
        self.triage = triage
        self.peer_check = peer_check
        self.deferral = deferral
        self.reserve = reserve
        self.priority = priority
        self.max_batch = max_batch
        self._limits = Limits("interference-aware", max_batch)
        self._gpu = Forecaster()
        self._rates = BusyRates()
        self._slo_s: dict[str, float] = {}

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Refuse or drop what cannot be in time, start what should start now, and wait with the rest."""
        if refused := self._limits.refusal(view, event):
            return refused
        self._gpu.follow(view, event)
        self._rates.follow(view, event)
        running = list(self._gpu.running())
        if isinstance(event, Arrival):
            request = event.request
            slo_s = request.deadline_s - request.arrived_s
            self._slo_s[request.model] = min(slo_s, self._slo_s.get(request.model, math.inf))
            if not view.free_slots and self.admission and self._planner(view, running).is_too_late(request):
                return (Reject((request,), "cannot be in time"),)
        waiting = {model: by_deadline(queue, self.priority) for model, queue in view.queues.items() if queue}
        if not view.free_slots or not waiting:
            return ()
        planner = self._planner(view, running)
        decisions: list[Decision] = []
        for model, queue in waiting.items():
            if self.admission and (late := planner.hopeless(queue)):
                decisions.append(Drop(late, "cannot be in time"))
                waiting[model] = [request for request in queue if request not in late]
        for free in range(view.free_slots, 0, -1):
            plans = [planner.best(queue, self._limits.of(view, model)) for model, queue in waiting.items() if queue]
            choice = Choice(planner, partial(self._limits.of, view), last=free == 1)
            plan, wake_s = choice.first(plans)
            if plan is None:
                return [*decisions, WakeAt(max(view.now_s, wake_s))] if wake_s < math.inf else decisions
            decisions.append(Dispatch(plan.batch.requests))
            running.append(plan.batch)
            taken, model = {request.request_id for request in plan.batch.requests}, plan.batch.member.model
            waiting[model] = [request for request in waiting[model] if request.request_id not in taken]
            planner = self._planner(view, running)
        return decisions

    def _planner(self, view: View, running: list[Running]) -> Planner:
        considers = Considers(
            self.z, self.batching, self.triage, self.peer_check, self.deferral, self.reserve, self.priority,
            self._slo_s, self._rates,
        )  # fmt: skip
        return Planner(self._gpu, considers, view, tuple(running))
