"""Decisions beside co-runners, worked out by hand from a predictor that always says the same."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from rehearsals import poisson, serve

from isim.errors import PolicyError
from isim.policies.edf import Edf
from isim.policies.greedy import Greedy
from isim.policies.interference_aware import InterferenceAware
from isim.policies.policy import Request
from isim.policies.predictors.constant import Constant
from isim.policies.rehearsal import FixedProfile, Rehearsal

OFF: Mapping[str, Any] = {
    "batching": False,
    "triage": False,
    "peer_check": False,
    "deferral": False,
    "reserve": None,
    "priority": False,
}
PROFILE = FixedProfile(tuple(range(1, 9)), 0.008, 0.002)
"""A batch of n takes 8 + 2 n ms: 10, 12, 14, ..."""


def rehearsed(policy: InterferenceAware, requests: list[Request], slowdown: float | None, slots: int = 2) -> str:
    rehearsal = Rehearsal(policy, requests, slots, PROFILE)
    rehearsal.view.predictor = None if slowdown is None else Constant(slowdown)
    return str(rehearsal.run())


def request(number: int, model: str, at_ms: float, due_ms: float, priority: int = 0) -> Request:
    return Request(number, model, at_ms / 1000, due_ms / 1000, priority, 1, 1.0)


def test_peer_check_waits_rather_than_make_a_co_runner_late() -> None:
    """a is due at 14 ms and done at 10 alone; beside b, twice as slow from 2 ms on, at 18. b can wait till 10 ms."""
    requests = [request(0, "a", 0, 14), request(1, "b", 2, 60)]
    without = {**OFF, "batching": True}
    assert rehearsed(InterferenceAware(**{**without, "peer_check": True}), requests, 2.0) == "0 ms: a 0\n10 ms: b 1"
    assert rehearsed(InterferenceAware(**without), requests, 2.0) == "0 ms: a 0\n2 ms: b 1"
    # Nobody is harmed if batches do not slow each other, or if a has more time.
    assert rehearsed(InterferenceAware(**{**without, "peer_check": True}), requests, None) == "0 ms: a 0\n2 ms: b 1"
    relaxed = [request(0, "a", 0, 18), requests[1]]
    assert rehearsed(InterferenceAware(**{**without, "peer_check": True}), relaxed, 2.0) == "0 ms: a 0\n2 ms: b 1"


def test_a_batch_that_cannot_wait_goes_only_where_it_serves_more_than_it_harms() -> None:
    """Beside a, of which 8 ms are left, twice as slow till that is done at 18, b ends at 20 ms: when it is due."""
    options = {**OFF, "peer_check": True}
    one = [request(0, "a", 0, 14), request(1, "b", 2, 20)]
    assert rehearsed(InterferenceAware(**options), one, 2.0) == "0 ms: a 0\n10 ms: b 1"
    # Two take 12 ms: 8 till 18, and then 4. Due at 22 they go, and make one late.
    two = [request(0, "a", 0, 14), request(1, "b", 2, 22), request(2, "b", 2, 22)]
    assert rehearsed(InterferenceAware(**options), two, 2.0) == "0 ms: a 0\n2 ms: b 1 2"
    # One due at 21 ms waits: not till 10, but until a has 4 ms left and so is in time at half its speed.
    later = [request(0, "a", 0, 14), request(1, "b", 2, 21)]
    assert rehearsed(InterferenceAware(**options), later, 2.0) == "0 ms: a 0\n6 ms: b 1"


def test_triage_gives_up_the_one_that_takes_longest_for_two_others() -> None:
    """At 10 ms l would run to 30, and s and t be late; without l, which is due first, both are in time."""
    requests = [
        request(0, "c", 0, 100),
        request(1, "l", 1, 31)._replace(work=2.0),
        request(2, "s", 2, 32),
        request(3, "t", 3, 33),
    ]
    without, triage = InterferenceAware(**OFF), InterferenceAware(**{**OFF, "triage": True})
    assert rehearsed(without, requests, None, 1) == "0 ms: c 0\n10 ms: l 1\n30 ms: drop 2\n30 ms: drop 3"
    assert rehearsed(triage, requests, None, 1) == "0 ms: c 0\n10 ms: s 2\n20 ms: drop 1\n20 ms: t 3"
    # Where all are in time, the first that is due goes first.
    relaxed = [*requests[:2], request(2, "s", 2, 40), request(3, "t", 3, 50)]
    triage = InterferenceAware(**{**OFF, "triage": True})
    assert rehearsed(triage, relaxed, None, 1) == "0 ms: c 0\n10 ms: l 1\n30 ms: s 2\n40 ms: t 3"


def test_triage_puts_off_the_lower_priority_though_it_is_shorter() -> None:
    requests = [
        request(0, "c", 0, 100),
        request(1, "h", 1, 31, priority=1)._replace(work=2.0),
        request(2, "l", 2, 32),
    ]
    policy = InterferenceAware(**{**OFF, "triage": True, "priority": True})
    assert rehearsed(policy, requests, None, 1) == "0 ms: c 0\n10 ms: h 1\n30 ms: drop 2"


def test_batching_takes_what_is_in_time_beside_the_co_runner() -> None:
    """At 4 ms beside c (6 ms left, so 12 at half speed), four b would take 16 + 6 = 22 ms, three 14 + 6 = 20."""
    requests = [request(0, "c", 0, 100), *(request(i, "b", 4, 24.5 + 40 * (i > 1)) for i in range(1, 5))]
    first = [requests[0], *(each._replace(samples=1) for each in requests[1:])]
    mine = Rehearsal(InterferenceAware(**{**OFF, "batching": True}), first, 1, PROFILE)
    assert str(mine.run()) == "0 ms: c 0\n10 ms: b 1 2 3\n24 ms: b 4"  # 10 + 14 = 24 is in time, 10 + 16 is not
    greedy = Rehearsal(InterferenceAware(**OFF), first, 1, PROFILE)
    assert str(greedy.run()) == "0 ms: c 0\n10 ms: b 1 2 3 4"


def test_admission_drops_what_would_be_late_beside_what_runs() -> None:
    """At 2 ms a has 8 ms left, 16 at half speed: b would be done at 20 (8 in 16 ms, then 2), past 19."""
    requests = [request(0, "a", 0, 100), request(1, "b", 2, 19)]
    assert rehearsed(InterferenceAware(**OFF), requests, 2.0) == "0 ms: a 0\n2 ms: drop 1"
    assert rehearsed(InterferenceAware(**OFF, admission=False), requests, 2.0) == "0 ms: a 0\n2 ms: b 1"
    assert rehearsed(InterferenceAware(**OFF), [requests[0], request(1, "b", 2, 20.5)], 2.0) == "0 ms: a 0\n2 ms: b 1"


def test_admission_refuses_an_arrival_that_no_slot_can_serve_in_time() -> None:
    requests = [request(0, "a", 0, 100), request(1, "b", 1, 19), request(2, "b", 2, 20)]
    assert rehearsed(InterferenceAware(**OFF), requests, None, slots=1) == "0 ms: a 0\n1 ms: reject 1\n10 ms: b 2"


def test_deferral_waits_where_joining_costs_more_than_gathering() -> None:
    """Three times as slow together: from 4 ms on, b would hold the GPU 10 + 2 * 6 ms longer; later, by itself, 10."""
    requests = [request(0, "a", 0, 100), request(1, "b", 4, 100), request(2, "b", 7, 100)]
    without, deferral = InterferenceAware(**OFF), InterferenceAware(**{**OFF, "deferral": True})
    assert rehearsed(without, requests, 3.0) == "0 ms: a 0\n4 ms: b 1\n10 ms: b 2"
    assert rehearsed(deferral, requests, 3.0) == "0 ms: a 0\n10 ms: b 1 2"
    # Where sharing is free, joining costs the GPU less than running later.
    free = [rehearsed(InterferenceAware(**{**OFF, "deferral": on}), requests, None) for on in (True, False)]
    assert free[0] == free[1]


def test_reserve_keeps_the_last_slot_for_those_that_cannot_wait() -> None:
    """u comes every 10 ms, takes 10 and is due after 12, so it can wait 2 ms. At 205 ms one runs until 210, beside x.

    p in the last slot would leave none free for 5 ms, 3 too many at 98 a second: 0.293 requests. At 210 two are free.
    """
    always = request(31, "x", 0, 1000)._replace(work=40.0)
    requests = [always, *(request(i, "u", 10 * i, 10 * i + 12) for i in range(30)), request(30, "p", 205, 400)]
    for reserve, at_ms in ((None, 205), (0.294, 205), (0.292, 210)):
        log = rehearsed(InterferenceAware(**{**OFF, "reserve": reserve}), requests, None, 3).splitlines()
        assert f"{at_ms} ms: p 30" in log
        assert sum(": u" in line for line in log) == 30


def test_priority_goes_first_and_may_harm_the_lower_class() -> None:
    """High h can be done at 16 ms beside l, which is due at 14: h does not wait for it. l would wait for h."""
    low_runs = [request(0, "l", 0, 14), request(1, "h", 2, 60, priority=1)]
    high_runs = [request(0, "h", 0, 14, priority=1), request(1, "l", 2, 60)]
    options = {**OFF, "batching": True, "peer_check": True, "priority": True}
    assert rehearsed(InterferenceAware(**options), low_runs, 2.0) == "0 ms: l 0\n2 ms: h 1"
    assert rehearsed(InterferenceAware(**options), high_runs, 2.0) == "0 ms: h 0\n10 ms: l 1"
    both = [request(0, "x", 0, 100), request(1, "l", 1, 40), request(2, "h", 2, 60, priority=1)]
    assert rehearsed(InterferenceAware(**options), both, None, slots=1) == "0 ms: x 0\n10 ms: h 2\n20 ms: l 1"
    options["priority"] = False
    assert rehearsed(InterferenceAware(**options), both, None, slots=1) == "0 ms: x 0\n10 ms: l 1\n20 ms: h 2"


def test_all_switched_off_is_earliest_latest_start() -> None:
    """With nothing left and one model, it is EDF, decision by decision."""
    requests = poisson({"m": 150.0}, 5.0, 0.050)
    mine = Rehearsal(InterferenceAware(**OFF, admission=False), requests, 1, PROFILE).run()
    assert str(mine) == str(Rehearsal(Edf(), requests, 1, PROFILE).run())


@pytest.mark.parametrize("rate_rps", [20.0, 60.0, 120.0])
def test_is_no_worse_than_greedy_at_any_load(rate_rps: float) -> None:
    requests = poisson({"a": rate_rps, "b": rate_rps}, 20.0, {"a": 0.040, "b": 0.080})
    mine, greedy = serve(InterferenceAware(), requests, PROFILE, 2), serve(Greedy(), requests, PROFILE, 2)
    assert mine.in_time >= greedy.in_time


def test_without_deadlines_nothing_is_refused() -> None:
    requests = poisson({"a": 100.0, "b": 100.0}, 5.0, math.inf)
    assert serve(InterferenceAware(), requests, PROFILE, 2).refused == 0


def test_parameters_out_of_range() -> None:
    with pytest.raises(PolicyError) as error:
        InterferenceAware(z=-1, admission=1, reserve=-0.1)  # type: ignore[arg-type]
    assert [problem.partition(" is ")[0] for problem in error.value.problems] == [
        "policy interference-aware: z",
        "policy interference-aware: admission",
        "policy interference-aware: reserve",
    ]


def test_passes_by_one_request_for_a_batch_of_more() -> None:
    """At 10 ms four take 16 ms: to 26. The first is due at 21, in time alone (20): one passed by, three more served."""
    requests = [request(0, "c", 0, 100), *(request(i, "b", i, 21 if i == 1 else 27) for i in range(1, 6))]
    policy = InterferenceAware(**{**OFF, "batching": True})
    assert str(Rehearsal(policy, requests, 1, PROFILE).run()) == "0 ms: c 0\n10 ms: b 2 3 4 5\n26 ms: drop 1"
    # For one more it is not worth it.
    few = requests[:3]
    policy = InterferenceAware(**{**OFF, "batching": True})
    assert str(Rehearsal(policy, few, 1, PROFILE).run()) == "0 ms: c 0\n10 ms: b 1\n20 ms: drop 2"
