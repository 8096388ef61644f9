"""Decisions that cannot be carried out, and runs that must end."""

import itertools
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from worlds import kernel, profile_of, simulate

from isim.contention.none import NoContention
from isim.errors import PolicyError
from isim.policies.fcfs import Fcfs
from isim.policies.policy import Arrival, Decision, Dispatch, Drop, Event, Finish, Reject, Timer, View, WakeAt
from isim.traces.trace import Trace
from isim.units import parse_seconds
from isim.workload import Replay

PROFILE = profile_of({(model, size): [kernel(1_000_000 * size)] for model in "ab" for size in (1, 2)})


class Scripted:
    """Decide by a function."""

    def __init__(self, decide: Callable[[View, Event], Any]) -> None:
        self._decide = decide

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        answer: Iterable[Decision] = self._decide(view, event)
        return answer


def run(decide: Callable[[View, Event], Any], arrivals_ns: list[int], models: list[str] | None = None) -> Any:
    trace = Trace.from_columns(arrival_ns=arrivals_ns, model=models or ["a"] * len(arrivals_ns))
    return simulate(PROFILE, Replay(trace), Scripted(decide), NoContention(), slots=2, policy_name="mine")


def on_arrival(decide: Callable[[View, Arrival], Any]) -> Callable[[View, Event], Any]:
    return lambda view, event: decide(view, event) if isinstance(event, Arrival) else ()


def everything(view: View) -> list[Any]:
    return [request for queue in view.queues.values() for request in queue]


@pytest.mark.parametrize(
    ("decide", "sentence"),
    [
        (on_arrival(lambda v, e: [Dispatch(())]), "decided Dispatch(nothing: ): no requests; dispatch at least one"),
        (on_arrival(lambda v, e: [Dispatch((e.request,), gpu=1)]), "no GPU 1 (there is GPU 0); dispatch to gpu=0"),
        (
            on_arrival(lambda v, e: [Dispatch((e.request,)), Dispatch((e.request,))]),
            "Dispatch(a: 0): request 0 does not wait in a queue",
        ),
        (
            on_arrival(lambda v, e: [Dispatch((e.request._replace(request_id=9),))]),
            "request 9 does not wait in a queue",
        ),
        (
            on_arrival(lambda v, e: [Dispatch((e.request._replace(model="c"),))]),
            "no model c is served here (served: a); choose from view.queues",
        ),
        (
            on_arrival(lambda v, e: [Dispatch(tuple(v.queues["a"]))] if len(v.queues["a"]) == 3 else ()),
            "Dispatch(a: 0, 1, 2): 3 samples, but the largest profiled batch size of a is 2",
        ),
        (
            on_arrival(lambda v, e: [Dispatch(everything(v)[1:])] if len(v.queues["b"]) == 1 else ()),
            "requests of several models (a, b); dispatch one model a batch",
        ),
        (on_arrival(lambda v, e: [Dispatch((e.request,))]), "no free slot; wait for a Finish"),
        (on_arrival(lambda v, e: [Drop((), "why")]), "no requests; name at least one"),
        (
            lambda v, e: [WakeAt(v.now_s)] if isinstance(e, Arrival) else [Reject(everything(v), "late")],
            "a request can be rejected only at its own arrival; later, use Drop",
        ),
        (on_arrival(lambda v, e: [WakeAt(v.now_s - 1)]), "not a time from now on; ask for view.now_s or later"),
        (on_arrival(lambda v, e: [WakeAt(float("inf"))]), "not a time from now on"),
        (on_arrival(lambda v, e: [WakeAt(float("nan"))]), "not a time from now on"),
        (lambda v, e: ["sleep"], "'sleep': not a decision; return Dispatch, Reject, Drop, WakeAt or Preempt"),
        (lambda v, e: 1 / 0, "(division by zero) (on Arrival); correct that line"),
        (lambda v, e: (1 / 0 for _ in "x"), "(division by zero) (on Arrival); correct that line"),
        (lambda v, e: sys.exit(), "raised SystemExit at "),
        (lambda v, e: 3, "decided 3: not a list of decisions; return a list, or () for none"),
        (lambda v, e: np.ones(2), "decided array([1., 1.]): not a list of decisions; return a list, or () for none"),
        (lambda v, e: map(int, "x"), "raised ValueError (invalid literal for int() with base 10: 'x') (on Arrival); "),
        (lambda v, e: WakeAt(1.0), "decided 1.0: a decision on its own (WakeAt); return a list of decisions"),
        (
            lambda v, e: [WakeAt("soon")],  # type: ignore[arg-type]
            "decided WakeAt(time_s='soon', tag=''): its time is no number of seconds; write view.now_s + 0.001, say",
        ),
        (
            lambda v, e: [WakeAt(1.0, ["x"])],  # type: ignore[arg-type]
            "decided WakeAt(time_s=1.0, tag=['x']): its tag is no text; write tag='name'",
        ),
        (
            lambda v, e: [WakeAt(1e300)],
            "decided WakeAt(time_s=1e+300, tag=''): not a time from now on; ask for view.now_s or later",
        ),
        (
            lambda v, e: [Dispatch([e.request.request_id])],
            "decided Dispatch(requests=[0], gpu=0, priority=0): holds what is no request (found 0); choose from",
        ),
        (
            lambda v, e: [Dispatch(None)],  # type: ignore[arg-type]
            "decided Dispatch(requests=None, gpu=0, priority=0): its requests are no list (found None); choose from",
        ),
        (
            lambda v, e: [Drop([e.request._replace(model=[])], "odd")],
            "decided Drop([]: 0): cannot be carried out, TypeError (",
        ),
        (
            lambda v, e: (WakeAt(1.0) for _ in itertools.count()),
            "decided more than 10002 times on one Arrival; let decide come to an end",
        ),
        (lambda v, e: v.queues["a"].popleft(), "a queue of the view is read-only"),
        (lambda v, e: [WakeAt(v.now_s)], "woken 10000 times at this moment; ask for a later time"),
        (
            lambda v, e: [WakeAt(v.now_s + 0.001)],
            "woken 100000 times in a row with 3 requests waiting, nothing running and no arrival to come",
        ),
    ],
)
def test_impossible_decisions_name_policy_time_and_decision(decide: Any, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        run(decide, [1_000, 2_000, 3_000], ["a", "a", "b"] if "several" in sentence else None)
    message = str(caught.value)
    assert message.startswith("policy mine at ")
    assert sentence in message


def test_a_policy_that_asks_to_be_woken_for_ever_does_not_keep_the_run_alive() -> None:
    fcfs = Fcfs()
    log, ending = run(lambda v, e: [*fcfs.decide(v, e), WakeAt(v.now_s + 0.01, "tick")], [0, 5_000_000])
    assert ending.unfinished == 0
    assert ending.end_s == 0.006
    assert len(log.batches) == 2


def test_a_later_wake_up_of_the_same_tag_replaces_the_pending_one() -> None:
    woken = []

    def decide(view: View, event: Event) -> list[Decision]:
        if isinstance(event, Timer):
            woken.append((view.now_s, event.tag))
            return [Dispatch((request,)) for request in everything(view)]
        if isinstance(event, Arrival):
            return [WakeAt(0.010, "x"), WakeAt(0.004, "x"), WakeAt(0.004, "y")]
        return []

    run(decide, [0])
    assert woken == [(0.004, "x"), (0.004, "y")]


def test_at_one_moment_finishes_come_before_arrivals_before_timers() -> None:
    events = []

    def decide(view: View, event: Event) -> list[Decision]:
        events.append((type(event).__name__, round(view.now_s * 1e3, 6)))
        if isinstance(event, Arrival) and view.now_s == 0:
            return [Dispatch((event.request,)), WakeAt(0.001, "t")]
        if isinstance(event, Timer):
            return [Dispatch(tuple(view.queues["a"]))]
        return []

    run(decide, [0, 1_000_000])
    assert events == [("Arrival", 0), ("Finish", 1), ("Arrival", 1), ("Timer", 1), ("Finish", 2)]


def test_batches_that_finish_together_leave_in_order_of_id_and_each_is_decided_on() -> None:
    seen = []

    def decide(view: View, event: Event) -> list[Decision]:
        if isinstance(event, Finish):
            seen.append((event.observation.batch_id, [r.batch_id for r in view.residents], view.free_slots))
        waiting = everything(view)
        return [Dispatch((request,)) for request in waiting[: view.free_slots]]

    log, _ = run(decide, [0, 0, 0], ["b", "a", "a"])
    assert seen[:2] == [(0, [1], 1), (1, [2], 1)]
    assert [batch.finished_s for batch in log.batches] == [0.001, 0.001, 0.002]


def test_a_policy_is_shown_nothing_of_a_batch_that_it_could_change_or_could_not_know() -> None:
    seen: list[Any] = []

    def decide(view: View, event: Event) -> list[Decision]:
        if isinstance(event, Finish):
            seen.append(event.observation)
        seen.extend(view.residents)
        return [Dispatch((event.request,))] if isinstance(event, Arrival) else []

    run(decide, [0, 500_000])
    assert len(seen) > 2
    for batch in seen:
        public = {name for name in dir(batch) if not name.startswith("_")}
        assert public == {
            "batch_id", "batch_size", "dispatched_s", "duration_s", "finished_s", "model", "overlaps",
            "preempted", "requests", "solo_s",
        }  # fmt: skip
        for name in public:
            with pytest.raises(AttributeError):
                setattr(batch, name, None)


def test_what_finishes_at_the_horizon_has_finished() -> None:
    trace = Trace.from_columns(arrival_ns=[0], model=["a"])
    profile = profile_of({("a", 1): [kernel(10_000)]})
    log, ending = simulate(profile, Replay(trace), Fcfs(), NoContention(), horizon_s=parse_seconds("10us"))
    assert (len(log.batches), ending.unfinished) == (1, 0)


def test_an_objective_beyond_all_time_is_none() -> None:
    trace = Trace.from_columns(arrival_ns=[10**15], model=["a"], slo_ns=[2**63 - 1])
    assert [request.deadline_s for request in Replay(trace).open()] == [float("inf")]
    trace = Trace.from_columns(arrival_ns=[10**15], model=["a"])
    assert [request.deadline_s for request in Replay(trace, {"*": 1e10}).open()] == [float("inf")]
