from rehearsals import poisson, serve

from isim.policies.greedy import Greedy
from isim.policies.policy import Request
from isim.policies.proteus import Proteus
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse

PROFILE = FixedProfile(tuple(range(1, 17)), 0.005, 0.001)
"""A batch of n takes 5 + n ms."""


def test_waits_to_the_last_moment_of_all_that_wait() -> None:
    """Due at 20 ms: one request may wait till 14 ms, two till 13."""
    one = [Request(0, "m", 0.0, 0.020, 0, 1, 1.0)]
    assert str(Rehearsal(Proteus(), one, 1, PROFILE).run()) == "14 ms: m 0"
    two = [*one, Request(1, "m", 0.010, 0.030, 0, 1, 1.0)]
    assert str(Rehearsal(Proteus(), two, 1, PROFILE).run()) == "13 ms: m 0 1"


def test_an_arrival_that_no_longer_fits_sends_the_others() -> None:
    """At 13.5 ms two would take 7 ms, past 20; the first goes at once, the second waits for its own last moment."""
    requests = [Request(0, "m", 0.0, 0.020, 0, 1, 1.0), Request(1, "m", 0.0135, 0.0335, 0, 1, 1.0)]
    assert str(Rehearsal(Proteus(), requests, 1, PROFILE).run()) == "13.5 ms: m 0\n27.5 ms: m 1"


def test_a_full_batch_and_no_deadline_do_not_wait() -> None:
    assert str(rehearse(Proteus(max_batch=2), [("a", 0.0), ("a", 0.001)], slo_s=0.1)) == "1 ms: a 0 1"
    assert str(rehearse(Proteus(), [("a", 0.0), ("a", 0.001)])) == "0 ms: a 0\n10 ms: a 1"


def test_none_is_late_and_batches_are_larger_on_a_device_of_its_own() -> None:
    requests = poisson({"m": 200.0}, 30.0, 0.060)
    deferred, eager = serve(Proteus(), requests, PROFILE), serve(Greedy(), requests, PROFILE)
    assert deferred.late == 0
    assert deferred.in_time >= 0.995 * len(requests)
    assert deferred.mean_batch_size > 1.5 * eager.mean_batch_size
