"""Which of the models' plans goes first beside what runs, and which had better wait."""

import math
from collections.abc import Callable, Sequence

from isim.policies.co_location_plan import Plan, Planner
from isim.policies.expiry import HALF_NS

_SOON_S = 1e-6
"""A wait shorter than this is none."""


class Choice:
    """Choose among plans, as their planner considers.

    Parameters
    ----------
    planner
        Made the plans.
    limit
        Tells the most samples in a batch of a model.
    last
        Whether a batch would take the last free slot.
    """

    def __init__(self, planner: Planner, limit: Callable[[str], int], last: bool) -> None:
        self._planner = planner
        self._considers = planner.considers
        self._view = planner.view
        self._limit = limit
        self._last = last

    def first(self, plans: Sequence[Plan]) -> tuple[Plan | None, float]:
        """Return what to start now and infinity; if all wait, None and when the first must start beside what runs."""
        ordered = sorted(plans, key=self._rank)
        if self._considers.triage:
            ordered = self.triage(ordered)
        until_s, wake_s = self._planner.free_s, math.inf
        for plan in ordered:
            is_due = plan.latest_s <= self._view.now_s + _SOON_S
            can_wait = bool(self._planner.running) and not is_due and until_s + plan.batch.left_s <= plan.due_s
            # What cannot wait may make others late, but fewer than it serves itself.
            if not self._should_wait(plan) if can_wait else plan.harmed < len(plan.batch.requests):
                return plan, math.inf
            if not is_due:
                wake_s = min(wake_s, plan.latest_s)
            until_s += plan.batch.left_s  # the next one would come after it
        return None, wake_s

    def triage(self, plans: Sequence[Plan]) -> list[Plan]:
        """Return plans in their order, those last without which more of the others would be in time.

        Whenever one would be late behind those before it, the one of them all that holds the GPU longest for each of
        its requests is put off; of several priorities, one of the lowest.

        References
        ----------
        Moore, *An n job, one machine sequencing algorithm for minimizing the number of late jobs*, Management Science
        15, 1968: optimal on one machine, where batches go one after another.
        """
        kept: list[Plan] = []
        put_off: list[Plan] = []
        before_s = 0.0
        for plan in plans:
            kept.append(plan)
            is_late = plan.together[-1].finish_s + before_s > plan.due_s + HALF_NS
            before_s += plan.holds_s
            if is_late:
                put_off.append(kept.pop(max(range(len(kept)), key=lambda i: self._cost(kept[i]))))
                before_s -= put_off[-1].holds_s
        return [*kept, *put_off]

    def _rank(self, plan: Plan) -> tuple[float, ...]:
        head = plan.batch.requests[0]
        return self._lowness(plan), plan.due_s, head.arrived_s, head.request_id

    def _cost(self, plan: Plan) -> tuple[float, float]:
        return self._lowness(plan), plan.holds_s / len(plan.batch.requests)

    def _lowness(self, plan: Plan) -> float:
        return -plan.batch.requests[0].priority if self._considers.priority else 0

    def _should_wait(self, plan: Plan) -> bool:
        if plan.harmed or (self._considers.deferral and self._costs_more(plan)):
            return True
        if self._considers.reserve is None or not self._last:
            return False
        return self._blocked(plan) > self._considers.reserve * len(plan.batch.requests)

    def _costs_more(self, plan: Plan) -> bool:
        """Return whether joining now holds the GPU longer per request than a batch by itself later would."""
        view, requests, model = self._view, plan.batch.requests, plan.batch.member.model
        gathered = len(requests) + self._considers.rates.rate_rps(model) * (self._planner.free_s - view.now_s)
        size = max(1, min(math.floor(gathered), self._limit(model)))
        return plan.holds_s / len(requests) > view.profile.solo_s(model, size) / size * (1 + 1e-9)

    def _blocked(self, plan: Plan) -> float:
        """Return how many requests to come would be late because no slot is free until one of these finishes."""
        held_s = min(forecast.finish_s for forecast in plan.together) - self._view.now_s
        lost = 0.0
        for model, objective_s in self._considers.slo_s.items():
            spare_s = objective_s - self._planner.gpu.one_beside(self._view, model, plan.batch)
            lost += self._considers.rates.rate_rps(model) * max(0.0, held_s - spare_s)
        return lost
