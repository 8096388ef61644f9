"""When batches on one GPU will finish, as far as a predictor tells."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from isim.policies.policy import Event, Finish, Request, View
from isim.policies.predictors.members import Members
from isim.policies.predictors.predictor import CoRunner, Gone, Member

_BELIEVED_FOR = 32
"""Finished batches after which a predictor is asked anew; it learns a little from each."""

_GENERATIONS = 3
"""How far back company matters: who was beside those that run, who was beside these, and so on."""


class Running(NamedTuple):
    """A batch on the GPU, or one that could be."""

    member: Member
    requests: tuple[Request, ...]
    left_s: float
    """What is left of it, as time alone on the GPU."""
    dispatched_s: float | None = None
    """None of one that is not on the GPU yet."""


class Forecast(NamedTuple):
    """When a batch should finish."""

    finish_s: float
    sd_s: float


class Forecaster:
    """Follow how far each batch on the GPU has come, and say when it will finish beside the others.

    While the same batches are together, each runs slower than alone by the factor that the predictor gives for those
    co-runners; when one finishes, the others go on without it. Without a predictor every factor is 1.
    """

    def __init__(self) -> None:
        self._members = Members()
        self._running: dict[int, Running] = {}
        self._followed_s = 0.0
        self._believed: dict[tuple[Any, ...], tuple[float, float]] = {}
        self._finished = 0
        self._gone: list[tuple[Member, float, float]] = []
        """When each left batch was dispatched and when it left, as far as it was beside one that runs."""

    def follow(self, view: View, event: Event) -> None:
        """Bring the running batches up to now; to be called at every event."""
        done = [event.observation] if isinstance(event, Finish) else []
        # A batch not known yet was dispatched at the last event, and has run beside the others since.
        for batch in [*view.residents, *done]:
            if batch.batch_id not in self._running:
                known = self.batch(view, batch.requests)._replace(dispatched_s=batch.dispatched_s)
                self._running[batch.batch_id] = known
        elapsed_s = view.now_s - self._followed_s
        if elapsed_s > 0 and not _foretells(view):
            self._running = self._after(view, self._running, elapsed_s)
        self._followed_s = view.now_s
        for observation in done:
            left = self._running.pop(observation.batch_id)
            self._gone.append((left.member, observation.dispatched_s, view.now_s))
            since_s = min((each.dispatched_s or 0.0 for each in self._running.values()), default=math.inf)
            for _ in range(_GENERATIONS):
                since_s = min((from_s for _, from_s, to_s in self._gone if to_s > since_s), default=since_s)
            self._gone = [each for each in self._gone if each[2] > since_s]
            self._finished += 1
            if self._finished % _BELIEVED_FOR == 0:
                self._believed = {}

    def running(self) -> tuple[Running, ...]:
        """Return what runs now."""
        return tuple(self._running.values())

    def batch(self, view: View, requests: Sequence[Request]) -> Running:
        """Return requests of one model as a batch that is about to start."""
        member = self._members.of(view.profile, requests[0].model, sum(request.samples for request in requests))
        return Running(member, tuple(requests), member.solo_s * max(request.work for request in requests))

    def one_beside(self, view: View, model: str, co_runner: Running) -> float:
        """Return how long a single sample of a model should take beside a batch that outlasts it, seconds."""
        one = self._members.of(view.profile, model, 1)
        if not _foretells(view):
            return one.solo_s * self._slowdown(view, 0, (0, 1), (Running(one, (), 0.0), co_runner))[0]
        # Not kept: what the predictor knows of requests that wait may differ the next time.
        told_s: float = view.predictor.finishes_s((), (co_runner.member, one))[1]
        return told_s

    def finishes(self, view: View, together: Sequence[Running]) -> list[Forecast]:
        """Return when each of the batches should finish if nothing joins them."""
        if _foretells(view):
            return self._foretold(view, together) if together else []
        left_s = [running.left_s for running in together]
        finish_s, sd_s = [view.now_s] * len(together), [0.0] * len(together)
        active, now_s = list(range(len(together))), view.now_s
        while active:
            beliefs = {i: self._slowdown(view, i, active, together) for i in active}
            if len(active) == len(together):
                sd_s = [left * beliefs[i][1] for i, left in enumerate(left_s)]
            step_s = min(left_s[i] * beliefs[i][0] for i in active)
            now_s += step_s
            for i in active:
                left_s[i] -= step_s / beliefs[i][0]
            for i in [i for i in active if left_s[i] <= 1e-12]:
                finish_s[i] = now_s
                active.remove(i)
        return [Forecast(*each) for each in zip(finish_s, sd_s, strict=True)]

    def _foretold(self, view: View, together: Sequence[Running]) -> list[Forecast]:
        now_s = view.now_s
        running = [CoRunner(one.member, now_s - one.dispatched_s) for one in together if one.dispatched_s is not None]
        joining = [each.member for each in together if each.dispatched_s is None]
        gone = [Gone(member, now_s - from_s, now_s - to_s) for member, from_s, to_s in self._gone]
        return [Forecast(now_s + left_s, 0.0) for left_s in view.predictor.finishes_s(running, joining, gone)]

    def _after(self, view: View, running: dict[int, Running], elapsed_s: float) -> dict[int, Running]:
        together, ids = list(running.values()), list(running)
        everyone = range(len(together))
        later = {}
        for i in everyone:
            done_s = elapsed_s / self._slowdown(view, i, everyone, together)[0]
            later[ids[i]] = together[i]._replace(left_s=max(together[i].left_s - done_s, 0.0))
        return later

    def _slowdown(
        self, view: View, target: int, active: Sequence[int], together: Sequence[Running]
    ) -> tuple[float, float]:
        """Return the mean and standard deviation believed of a batch's slowdown beside the others that are active."""
        if view.predictor is None or len(active) == 1:
            return 1.0, 0.0
        member = together[target].member
        others = sorted((together[i].member.model, together[i].member.batch_size, i) for i in active if i != target)
        key = (member.model, member.batch_size, *((model, size) for model, size, _ in others))
        belief = self._believed.get(key)
        if belief is None:
            said = view.predictor.predict(member, [CoRunner(together[i].member) for _, _, i in others])
            self._believed[key] = belief = max(said.slowdown, 1.0), said.sd
        return belief


def _foretells(view: View) -> bool:
    return hasattr(view.predictor, "finishes_s")
