from rehearsals import poisson, serve

from isim.policies.edf import Edf
from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse
from isim.policies.shepherd import Shepherd

PROFILE = FixedProfile(tuple(range(1, 17)), 0.010, 0.001)
"""A batch of n takes 10 + n ms."""


def test_the_largest_candidate_goes_first() -> None:
    arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("b", 0.003)]
    assert str(rehearse(Shepherd(), arrivals, slo_s=0.1)) == "0 ms: a 0\n10 ms: b 2 3\n20 ms: a 1"


def test_a_request_with_too_little_time_stays_out_of_a_larger_set() -> None:
    """At 11 ms three of four can be done at 24; the first, due at 23, would allow two. It is late alone then."""
    requests = [Request(0, "a", 0.0, 1.0, 0, 1, 1.0)]
    requests += [Request(i, "a", 0.001, due_s, 0, 1, 1.0) for i, due_s in enumerate((0.023, 0.1, 0.1, 0.1), 1)]
    assert (
        str(Rehearsal(Shepherd(preemption=False), requests, 1, PROFILE).run())
        == "0 ms: a 0\n11 ms: a 2 3 4\n24 ms: drop 1"
    )


def test_equal_candidates_go_by_deadline() -> None:
    dues_s = [("c", 1.0), ("a", 0.090), ("b", 0.080)]
    requests = [Request(i, model, i * 0.001, due_s, 0, 1, 1.0) for i, (model, due_s) in enumerate(dues_s)]
    assert str(Rehearsal(Shepherd(), requests, 1, PROFILE).run()) == "0 ms: c 0\n11 ms: b 2\n22 ms: a 1"


def test_a_candidate_of_three_times_the_requests_replaces_a_running_batch() -> None:
    """With four requests waiting beside the one that runs; at a ratio of 3.03 three are not enough."""
    arrivals = [("a", 0.0), *[("b", i * 0.001) for i in range(1, 5)]]
    found = "0 ms: a 0\n4 ms: preempt batch 0\n4 ms: b 1 2 3 4\n14 ms: a 0"
    assert str(rehearse(Shepherd(), arrivals, slo_s=0.1)) == found
    waits = "0 ms: a 0\n10 ms: b 1 2 3 4"
    assert str(rehearse(Shepherd(ratio=4.5), arrivals, slo_s=0.1)) == waits
    assert str(rehearse(Shepherd(preemption=False), arrivals, slo_s=0.1)) == waits


def test_a_preempted_request_that_cannot_be_in_time_any_more_is_dropped() -> None:
    requests = [Request(0, "a", 0.0, 0.014, 0, 1, 1.0)]
    requests += [Request(i, "b", 0.004, 0.1, 0, 1, 1.0) for i in range(1, 5)]
    found = "0 ms: a 0\n4 ms: preempt batch 0\n4 ms: drop 0\n4 ms: b 1 2 3 4"
    assert str(Rehearsal(Shepherd(), requests, 1, PROFILE).run()) == found


def test_serves_more_in_time_than_deadlines_alone_in_overload() -> None:
    requests = poisson({"a": 500.0, "b": 500.0, "c": 500.0}, 20.0, 0.060)
    mine, edf = serve(Shepherd(preemption=False), requests, PROFILE), serve(Edf(drop_late=True), requests, PROFILE)
    assert mine.late == 0
    assert mine.in_time > 1.1 * edf.in_time
