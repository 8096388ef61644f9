"""Nexus' way to serve one node: models take turns, and requests are dropped early."""

import math
from collections.abc import Iterable
from typing import Literal

from isim.policies.deadlines import by_deadline, hopeless, most_in_time
from isim.policies.early_drop import window
from isim.policies.limits import Limits
from isim.policies.parameters import check_parameters, choice, seconds, whole
from isim.policies.planners.nexus import node_batch_sizes
from isim.policies.planners.nexus_session import Session
from isim.policies.policy import Arrival, Decision, Dispatch, Drop, Event, Request, View


class Nexus:
    """Let the models take turns, each with a batch of its planned size, and drop what would make a batch late.

    The planned sizes are those that Nexus gives a node that serves all the models at their present rates, or the
    largest that the objectives allow if they do not fit; they are planned anew now and then. With the drop policy
    `window`, a window of the planned size moves along the queue, the first due first, until its first request has time
    for a batch of the whole window; what it passed is dropped. With `earliest`, only requests are dropped that would be
    late even alone, and a batch is as large as the first of the others has time for: past saturation that is a batch of
    one or two that comes late, which is why `window` exists.

    Parameters
    ----------
    drop
        `window` (early drop) or `earliest` (lazy drop).
    plan_every_s
        How long planned sizes are kept, seconds, more than 0.
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.

    Examples
    --------
    >>> from isim.policies.rehearsal import rehearse
    >>> arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("a", 0.008), ("a", 0.009)]
    >>> print(rehearse(Nexus(), arrivals, solo_s=0.010, slo_s=0.025))
    0 ms: a 0
    10 ms: b 2
    20 ms: drop 1
    20 ms: a 3 4

    References
    ----------
    H. Shen et al., "Nexus: A GPU cluster engine for accelerating DNN-based video analysis", SOSP 2019, sections 6.1
    (planning) and 6.3 (early drop). `policies/planners/nexus.py` holds the planner for many nodes.
    """

    def __init__(
        self,
        drop: Literal["window", "earliest"] = "window",
        plan_every_s: float = 1.0,
        max_batch: int | None = None,
    ) -> None:
        check_parameters(
            "nexus",
            choice("drop", drop, "window", "earliest"),
            seconds("plan_every_s", plan_every_s, above_zero=True),
            whole("max_batch", max_batch),
        )
        self.drop = drop
        self.plan_every_s = plan_every_s
        self.max_batch = max_batch
        self._limits = Limits("nexus", max_batch)
        self._slo_s: dict[str, float] = {}
        self._planned: dict[str, int] = {}
        self._plan_due_s = -math.inf
        self._turn = 0

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Drop and serve, one model after the other, until no slot is free or nothing waits."""
        if refused := self._limits.refusal(view, event):
            return refused
        if isinstance(event, Arrival):
            model, slo_s = event.request.model, event.request.deadline_s - event.request.arrived_s
            self._slo_s[model] = min(slo_s, self._slo_s.get(model, math.inf))
        free, models = view.free_slots, list(view.queues)
        if not free:
            return ()
        if self.drop == "window" and view.now_s >= self._plan_due_s:
            self._plan(view)
        decisions: list[Decision] = []
        waiting: dict[str, list[Request]] = {}
        idle = 0  # models in a row with nothing to send
        while free and idle < len(models):
            model = models[self._turn % len(models)]
            self._turn = (self._turn + 1) % len(models)
            queue = waiting[model] if model in waiting else by_deadline(view.queues[model])
            late, batch = self._window(view, model, queue) if self.drop == "window" else self._earliest(view, queue)
            if late:
                decisions.append(Drop(queue[:late], "would make a batch late"))
            if batch:
                decisions.append(Dispatch(batch))
                free -= 1
            idle = 0 if batch else idle + 1
            waiting[model] = queue[late + len(batch) :]
        return decisions

    def _window(self, view: View, model: str, queue: list[Request]) -> tuple[int, tuple[Request, ...]]:
        """Return how many requests the window passes before it has time, and what is in it then."""
        size = min(self._planned.get(model, 1), self._limits.of(view, model))
        return window(queue, size, view.profile, view.now_s)

    def _earliest(self, view: View, queue: list[Request]) -> tuple[int, tuple[Request, ...]]:
        """Return how many requests would be late alone, and as many of the others as the first has time for."""
        late = hopeless(queue, view.profile, view.now_s)
        if late == len(queue):
            return late, ()
        return late, most_in_time(queue[late:], self._limits.of(view, queue[0].model), view.profile, view.now_s)

    def _plan(self, view: View) -> None:
        self._plan_due_s = view.now_s + self.plan_every_s
        sessions = []
        for model in view.queues:
            limit = self._limits.of(view, model)
            sizes = tuple(size for size in view.profile.batch_sizes(model) if size < limit)
            durations_s = tuple(view.profile.solo_s(model, size) for size in (*sizes, limit))
            slo_s, rate_rps = self._slo_s.get(model, math.inf), view.arrival_rate_rps(model)
            sessions.append(Session(model, slo_s, rate_rps, (*sizes, limit), durations_s))
        self._planned = node_batch_sizes(sessions)
