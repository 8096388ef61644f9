from rehearsals import poisson, serve

from isim.policies.greedy import Greedy
from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse
from isim.policies.symphony import Symphony

PROFILE = FixedProfile(tuple(range(1, 17)), 0.005, 0.001)
"""A batch of n takes 5 + n ms."""


def test_starts_when_one_more_would_be_late() -> None:
    """Due at 20 ms: one takes 6 ms, two 7, so the first may start from 13 ms; with two, from 12."""
    one = [Request(0, "m", 0.0, 0.020, 0, 1, 1.0)]
    assert str(Rehearsal(Symphony(), one, 1, PROFILE).run()) == "13 ms: m 0"
    two = [*one, Request(1, "m", 0.010, 0.030, 0, 1, 1.0)]
    assert str(Rehearsal(Symphony(), two, 1, PROFILE).run()) == "12 ms: m 0 1"
    late = [*one, Request(1, "m", 0.0131, 0.0331, 0, 1, 1.0)]
    assert str(Rehearsal(Symphony(), late, 1, PROFILE).run()) == "13 ms: m 0\n26.1 ms: m 1"


def test_the_window_that_closes_first_goes_first() -> None:
    """When the slot is free at 10 ms both are in their windows; b's closes at 11 ms, a's at 12."""
    dues_s = [("c", 0.0, 0.001), ("a", 0.0, 0.018), ("b", 0.0, 0.017)]
    requests = [Request(i, model, at_s, due_s, 0, 1, 1.0) for i, (model, at_s, due_s) in enumerate(dues_s)]
    rehearsal = Rehearsal(Symphony(), requests, 1, PROFILE).run()
    assert str(rehearsal) == "0 ms: drop 0\n10 ms: b 2\n16 ms: drop 1"


def test_a_full_batch_and_no_deadline_do_not_wait() -> None:
    assert str(rehearse(Symphony(max_batch=2), [("a", 0.0), ("a", 0.001)], slo_s=0.1)) == "1 ms: a 0 1"
    assert str(rehearse(Symphony(), [("a", 0.0), ("a", 0.001)])) == "0 ms: a 0\n10 ms: a 1"


def test_batches_are_larger_and_more_are_in_time_near_saturation() -> None:
    """The published shape, for one model: larger batches than eager ones at the same rate, none late, more served."""
    for rate_rps in (100.0, 300.0):
        requests = poisson({"m": rate_rps}, 30.0, 0.060)
        deferred, eager = serve(Symphony(), requests, PROFILE), serve(Greedy(), requests, PROFILE)
        assert deferred.mean_batch_size > 1.2 * eager.mean_batch_size
        assert deferred.late == 0
        assert deferred.in_time >= 0.999 * len(requests)
