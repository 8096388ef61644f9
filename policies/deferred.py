"""Deferred batching: hold each model's next batch back until it opens."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from isim.policies.deadlines import most_in_time, sort_out
from isim.policies.expiry import HALF_NS
from isim.policies.filling import Candidate, fill_slots
from isim.policies.limits import Limits
from isim.policies.parameters import Check, check_parameters, number, whole
from isim.policies.policy import Decision, Event, Request, View, WakeAt


class Opening(NamedTuple):
    """When a batch may start, and which batch goes first."""

    opens_s: float
    order_s: float
    """The smallest first."""


class Deferred(ABC):
    """Send, of each model, the most that can be in time together, once it opens; a subclass says when that is.

    Requests that cannot be in time alone are dropped.

    Parameters
    ----------
    max_batch
        Most samples in a batch; each model's largest profiled size if left out. A larger request is refused.
    slowdown
        Factor on profiled durations, at least 1.

    Raises
    ------
    PolicyError
        A parameter is out of range, or, at the first decision on a model, larger than any size profiled of it.
    """

    _name: ClassVar[str]

    def __init__(self, max_batch: int | None = None, slowdown: float = 1.0) -> None:
        check_parameters(
            self._name, *self.own_checks(), whole("max_batch", max_batch), number("slowdown", slowdown, 1.0)
        )
        self.max_batch = max_batch
        self.slowdown = slowdown
        self._limits = Limits(self._name, max_batch)

    def own_checks(self) -> tuple[Check, ...]:
        """Return the checks of a subclass' own parameters, which it keeps before it calls this `__init__`."""
        return ()

    def sort_out(self, view: View) -> tuple[dict[str, list[Request]], list[Decision]]:
        """Return each model's requests that are not given up, the first due first, and the drops of the others."""
        return sort_out(view, self.slowdown)

    @abstractmethod
    def opening(self, view: View, batch: tuple[Request, ...], more_wait: bool) -> Opening:
        """Return when a batch opens; `more_wait` if it leaves requests of its model behind."""

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Drop what cannot be in time, send what may not wait longer, and ask to be woken for the rest."""
        if refused := self._limits.refusal(view, event):
            return refused
        free = view.free_slots
        if not free:
            return ()
        waiting, decisions = self.sort_out(view)
        opens_s: dict[str, float] = {}

        def candidate(model: str, queue: list[Request]) -> Candidate | None:
            opens_s[model] = math.inf
            batch = most_in_time(queue, self._limits.of(view, model), view.profile, view.now_s, self.slowdown)
            if not batch:
                return None
            opening = self.opening(view, batch, len(batch) < len(queue))
            if view.now_s < opening.opens_s - HALF_NS:
                opens_s[model] = opening.opens_s
                return None
            return Candidate((opening.order_s, batch[0].arrived_s, batch[0].request_id), batch)

        batches = fill_slots(free, waiting, candidate)
        decisions += batches
        wake_s = min(opens_s.values(), default=math.inf)
        if len(batches) < free and wake_s < math.inf:
            decisions.append(WakeAt(wake_s))
        return decisions
