"""The scheduler that Abacus (SC'21) measured beside its own: queries one at a time, in rounds."""

from collections.abc import Iterable
from typing import Literal

from isim.policies.policy import Arrival, Decision, Dispatch, Drop, Event, Request, Timer, View, WakeAt


class Rounds:
    """Take the head of each model's queue, drop those past their deadline, and run the others one after another.

    A text model has one queue for all its sequence lengths, which are models of their own here: `bert-seq64`. Who
    arrives during a round waits for the next.

    Parameters
    ----------
    order
        Of a round: by arrival, by solo duration, or by deadline.
    wake_s
        How long an idle server takes to begin with a query that arrives, seconds.

    References
    ----------
    W. Cui et al., "Enable simultaneous DNN services based on deterministic operator overlap and precise latency
    prediction", SC 2021: its baselines FCFS, SJF and EDF.
    """

    def __init__(self, order: Literal["fcfs", "sjf", "edf"] = "fcfs", wake_s: float = 0.0) -> None:
        self.order = order
        self.wake_s = wake_s
        self._waking = False
        self._round: list[Request] = []

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Go on with the round, or begin the next, when nothing runs."""
        idle = view.free_slots and not view.residents and not self._round
        if isinstance(event, Timer):
            self._waking = False
        elif self.wake_s and idle and isinstance(event, Arrival):
            if not self._waking:
                self._waking = True
                yield WakeAt(view.now_s + self.wake_s)
            return
        dropped: set[int] = set()  # a server may carry decisions out only when all are made
        while view.free_slots and not view.residents:
            if self._round:
                yield Dispatch((self._round.pop(0),))
                return
            heads: dict[str, Request] = {}
            for model, queue in view.queues.items():
                service = model.partition("-seq")[0]
                head = next((request for request in queue if request.request_id not in dropped), None)
                if head and (service not in heads or _age(head) < _age(heads[service])):
                    heads[service] = head
            if not heads:
                return
            for request in heads.values():
                if request.deadline_s < view.now_s:
                    dropped.add(request.request_id)
                    yield Drop((request,), "older than its objective allows")
                else:
                    self._round.append(request)
            self._round.sort(key=lambda request: self._place(view, request))

    def _place(self, view: View, request: Request) -> tuple[float, float, int]:
        first = {
            "fcfs": request.arrived_s,
            "sjf": view.profile.solo_s(request.model, request.samples),
            "edf": request.deadline_s,
        }
        return first[self.order], *_age(request)


def _age(request: Request) -> tuple[float, int]:
    return request.arrived_s, request.request_id
