from rehearsals import poisson, serve

from isim.policies.alpaserve import AlpaServe
from isim.policies.fcfs import Fcfs
from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse


def test_refuses_what_would_be_late_behind_what_was_accepted() -> None:
    """One slot, 10 ms each, SLO 25 ms: 0 and 1 are accepted (done at 10, 20); 2 would be done at 30, due at 27."""
    arrivals = [("a", 0.000), ("b", 0.001), ("a", 0.002), ("a", 0.006)]
    assert str(rehearse(AlpaServe(), arrivals, slo_s=0.025)) == "0 ms: a 0\n2 ms: reject 2\n10 ms: b 1\n20 ms: a 3"
    # Two slots: 2 is done at 20.
    assert "reject" not in str(rehearse(AlpaServe(), arrivals, slo_s=0.025, slots=2))


def test_overhead_counts_when_accepting() -> None:
    arrivals = [("a", 0.0), ("a", 0.001)]
    assert str(rehearse(AlpaServe(overhead_s=0.005), arrivals, slo_s=0.020)) == "0 ms: a 0\n1 ms: reject 1"
    assert str(rehearse(AlpaServe(), arrivals, slo_s=0.020)) == "0 ms: a 0\n10 ms: a 1"


def test_batches_grow_while_the_first_deadline_holds() -> None:
    """At 6 ms a batch of n takes 5 + n ms; the first of the rest is due at 14.5, so three go."""
    requests = [Request(0, "a", 0.0, 1.0, 0, 1, 1.0)]
    requests += [Request(i, "a", 0.001, 0.0145 + 0.1 * (i > 1), 0, 1, 1.0) for i in range(1, 6)]
    rehearsal = Rehearsal(AlpaServe(batching=True), requests, 1, FixedProfile((1, 2, 3, 4, 8), 0.005, 0.001)).run()
    assert str(rehearsal) == "0 ms: a 0\n6 ms: a 1 2 3\n14 ms: a 4 5"


def test_accepted_requests_are_in_time_without_interference() -> None:
    """At twice what the server can do; first come, first served has almost none in time."""
    requests = poisson({"a": 100.0, "b": 100.0}, 20.0, 0.050)
    profile = FixedProfile((1,), 0.010, 0.0)
    served = serve(AlpaServe(), requests, profile)
    assert served.late == 0
    assert served.in_time > 0.95 * 100 * 20  # all that one slot can do
    assert serve(Fcfs(), requests, profile).in_time < 0.1 * served.in_time
