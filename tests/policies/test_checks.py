"""`check_policy` passes every built-in, and each bad policy is caught by the check that is there for it."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from isim.errors import PolicyError
from isim.policies.checks import DECISION_CHECKS, POLICY_CHECKS, check_policy
from isim.policies.policy import Decision, Dispatch, Drop, Event, Finish, Policy, Preempt, Reject, Timer, View, WakeAt
from isim.policies.registry import make_policy

GOOD = [
    "fcfs",
    "greedy",
    "greedy:max_batch=4",
    "static:batch_size=4,max_delay=20ms",
    "dynamic",
    "dynamic:max_batch=8,max_queue_delay=2ms",
    "dynamic:max_batch=8,max_queue_delay=10ms,preferred_batch_sizes=2/4",
    "dynamic:max_queue_delay=2ms,max_queue_size=3,timeout=9ms",
    "dynamic:max_queue_delay=10ms,timeout=4ms,timeout_action=delay",
    "edf",
    "edf:drop_late=true",
    "shortest-first",
    "tf-serving:max_batch_size=16,batch_timeout=2ms,max_enqueued_batches=2",
    "tf-serving:max_batch_size=16,batch_timeout=2ms,batch_padding_policy=batch-down,allowed_batch_sizes=4/8/16",
    "clipper",
    "nexus",
    "nexus:drop=earliest",
    "planned",
    "planned:batch_sizes=a@2/b@4",
    "clockwork",
    "symphony",
    "proteus:slowdown=1.3",
    "alpaserve",
    "alpaserve:batching=true",
    "shepherd",
    "shepherd:preemption=false",
    "reef",
    "reef:padding=true",
    "orion",
    "fixed-concurrency:limit=1",
    "aimd-concurrency:window=20",
    "interference-aware",
    "interference-aware:admission=false,reserve=none",
]


@pytest.mark.parametrize("spec", GOOD)
def test_built_ins_pass(spec: str) -> None:
    check_policy(lambda: make_policy(spec))


class Base:
    """Serves the first request of every queue, one for each free slot; each bad policy spoils one thing of this."""

    def decide(self, view: View, event: Event) -> Iterable[Any]:
        return [Dispatch([queue[0]]) for queue in view.queues.values() if queue][: view.free_slots]


class ReturnsNone(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return None  # type: ignore[return-value]


class RaisesOnEmptyQueues(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return [Dispatch([queue[0]]) for queue in view.queues.values()][: view.free_slots]


class ReturnsTuples(Base):
    def decide(self, view: View, event: Event) -> Iterable[Any]:
        return [("dispatch", request) for queue in view.queues.values() for request in queue]


class DispatchesNothing(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return [Dispatch([])]


class PopsTheQueue(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        waiting: list[Any] = [queue for queue in view.queues.values() if queue]
        return [Dispatch([queue.popleft()]) for queue in waiting[: view.free_slots]]


class DispatchesWhatFinished(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        if isinstance(event, Finish):
            return [Dispatch(event.observation.requests)]
        return super().decide(view, event)


class DispatchesTwice(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return 2 * list(super().decide(view, event))


class MixesModels(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        heads = [queue[0] for queue in view.queues.values() if queue]
        return [Dispatch(heads)] if heads and view.free_slots else []


class IgnoresTheProfile(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return [Dispatch(list(queue)) for queue in view.queues.values() if queue][: view.free_slots]


class IgnoresSlots(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return [Dispatch([queue[0]]) for queue in view.queues.values() if queue]


class WakesInThePast(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return [*super().decide(view, event), WakeAt(view.now_s - 0.001)]


class WakesNever(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return [*super().decide(view, event), WakeAt(float("inf"))]


class RejectsLate(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        if isinstance(event, Finish):
            return [Reject([queue[0]], "slow") for queue in view.queues.values() if queue]
        return super().decide(view, event)


class PreemptsTwice(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return [*super().decide(view, event), *[Preempt(batch.batch_id) for batch in view.residents] * 2]


class WaitsForEver(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        full = [queue for queue in view.queues.values() if len(queue) > 3]
        return [Dispatch([queue[0]]) for queue in full][: view.free_slots]


class SpinsOnTheSpot(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        return [WakeAt(view.now_s)]


class LosesParameters(Base):
    def __init__(self, max_batch: int = 1) -> None:
        self.limit = max_batch


class HoldsALambda(Base):
    def __init__(self) -> None:
        self.key = lambda request: request.arrived_s


class ForgetsWhenPickled(Base):
    def __init__(self) -> None:
        self.reverse = True

    def __getstate__(self) -> dict[str, bool]:
        return {"reverse": False}

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        waiting = [queue[-1 if self.reverse else 0] for queue in view.queues.values() if queue]
        return [Dispatch([request]) for request in waiting][: view.free_slots]


class Gambles(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        waiting = [random.choice(list(queue)) for queue in view.queues.values() if queue]
        return [Dispatch([request]) for request in waiting][: view.free_slots]


class KeepsTheView(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        self.view = view
        return super().decide(view, event)


class KeepsAQueue(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        self.queue = next(iter(view.queues.values()))
        return super().decide(view, event)


class RemembersEverything(Base):
    def __init__(self) -> None:
        self.seen: list[float] = []

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        self.seen.append(view.now_s)
        return super().decide(view, event)


class CannotBeMeasured(Base):
    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        self.pick = lambda queue: queue[0]
        return super().decide(view, event)


BAD: list[tuple[type[Policy], str]] = [
    (ReturnsNone, "check_decides at 0.036073 s: decide raised TypeError ('NoneType' object is not iterable)"),
    (RaisesOnEmptyQueues, "check_decides"),
    (ReturnsTuples, "check_decision_types"),
    (DispatchesNothing, "check_decision_types"),
    (PopsTheQueue, "check_view_is_unchanged"),
    (DispatchesWhatFinished, "check_only_queued_requests"),
    (DispatchesTwice, "check_only_queued_requests"),
    (MixesModels, "check_one_model_per_batch"),
    (IgnoresTheProfile, "check_batch_fits"),
    (IgnoresSlots, "check_free_slots"),
    (WakesInThePast, "check_wakes_in_future"),
    (WakesNever, "check_wakes_in_future"),
    (RejectsLate, "check_rejects_at_arrival"),
    (PreemptsTwice, "check_preempts_residents"),
    (WaitsForEver, "check_every_request_ends"),
    (SpinsOnTheSpot, "check_every_request_ends"),
    (LosesParameters, "check_parameters_are_stored: parameter max_batch is not kept; set self.max_batch = max_batch"),
    (HoldsALambda, "check_pickles"),
    (ForgetsWhenPickled, "check_pickles"),
    (Gambles, "check_repeatable"),
    (KeepsTheView, "check_view_is_not_kept: the policy still holds the view"),
    (KeepsAQueue, "check_view_is_not_kept: the policy still holds the queue of model0"),
    (RemembersEverything, "check_memory_is_bounded"),
    (CannotBeMeasured, "check_memory_is_bounded"),
]


@pytest.mark.parametrize(("policy", "message"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_bad_policies_are_caught(policy: type[Policy], message: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_policy(policy)
    assert str(error.value).startswith(message)


class SendsWhileThereIsRoom(Base):
    """What is decided is carried out before the next is asked for."""

    def decide(self, view: View, event: Event) -> Iterator[Decision]:
        for queue in view.queues.values():
            while queue and view.free_slots:
                yield Dispatch([queue[0]])


class NeverEnds(Base):
    def decide(self, view: View, event: Event) -> Iterator[Decision]:
        while True:
            yield WakeAt(view.now_s)


def test_a_policy_that_looks_at_the_view_between_its_decisions_passes() -> None:
    check_policy(SendsWhileThereIsRoom)


def test_decisions_without_end_are_found() -> None:
    with pytest.raises(PolicyError, match=r"decided more than 10000 times on one Arrival; let decide come to an end"):
        check_policy(NeverEnds)


def test_the_policy_that_the_bad_ones_spoil_passes() -> None:
    check_policy(Base)


def test_every_check_catches_something() -> None:
    caught = {message.split(" ")[0].rstrip(":") for _, message in BAD}
    assert caught == {check.__name__ for check in (*DECISION_CHECKS, *POLICY_CHECKS)}


def test_messages_name_the_check_the_time_and_the_decision() -> None:
    with pytest.raises(AssertionError) as error:
        check_policy(WakesInThePast)
    assert str(error.value) == (
        "check_wakes_in_future at 0.036073 s: WakeAt(time_s=0.035073, tag=''): "
        "not a time from now on; ask for view.now_s or later"
    )


def test_batches_that_never_fill_are_found() -> None:
    with pytest.raises(AssertionError, match=r"^check_every_request_ends at .* s: \d+ requests wait for ever"):
        check_policy(lambda: make_policy("static:batch_size=4"))


def test_faults_that_explain_themselves_pass_through() -> None:
    make: Callable[[], Policy] = lambda: make_policy("greedy:max_batch=65")  # noqa: E731
    with pytest.raises(Exception, match=r"^policy greedy: max_batch is larger than any batch"):
        check_policy(make)


def test_drops_and_timers_are_allowed() -> None:
    class Impatient(Base):
        """Drops whatever still waits 50 ms after the last event."""

        def decide(self, view: View, event: Event) -> Iterable[Any]:
            if isinstance(event, Timer):
                return [Drop(list(queue), "late") for queue in view.queues.values() if queue]
            return [*super().decide(view, event), WakeAt(view.now_s + 0.05, "impatience")]

    from isim.policies.checks import check_decides, check_every_request_ends

    check_decides(Impatient)
    check_every_request_ends(Impatient)
