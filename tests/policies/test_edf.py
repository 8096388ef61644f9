from rehearsals import poisson, serve

from isim.policies.edf import Edf
from isim.policies.fcfs import Fcfs
from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse


def test_goes_by_deadline_within_and_across_models() -> None:
    """a's requests arrive in the order 1, 3 and are due in the order 3, 1; b's is due between them."""
    dues_s = [("c", 1.0), ("a", 0.070), ("b", 0.060), ("a", 0.050)]
    requests = [Request(i, model, i * 0.001, due_s, 0, 1, 1.0) for i, (model, due_s) in enumerate(dues_s)]
    rehearsal = Rehearsal(Edf(max_batch=1), requests, 1, FixedProfile((1, 2), 0.010, 0.0)).run()
    assert str(rehearsal) == "0 ms: c 0\n10 ms: a 3\n20 ms: b 2\n30 ms: a 1"


def test_drops_only_what_would_be_late_alone() -> None:
    """At 10 ms request 1 would finish at 20 ms, past 18.5; request 2 at 20 ms, within 20.5 + rounding."""
    arrivals = [("a", 0.000), ("a", 0.001), ("a", 0.003)]
    assert str(rehearse(Edf(drop_late=True), arrivals, slo_s=0.0175)) == "0 ms: a 0\n10 ms: drop 1\n10 ms: a 2"
    assert str(rehearse(Edf(), arrivals, slo_s=0.0175)) == "0 ms: a 0\n10 ms: a 1 2"


def test_is_in_time_more_often_than_first_come_first_served() -> None:
    """One model has little time and the other plenty; at load 0.7, the first must overtake."""
    requests = poisson({"urgent": 35.0, "patient": 35.0}, 60.0, {"urgent": 0.025, "patient": 0.2})
    profile = FixedProfile((1,), 0.010, 0.0)
    edf, fcfs = serve(Edf(max_batch=1), requests, profile), serve(Fcfs(), requests, profile)
    assert edf.in_time / len(requests) > 0.93  # what is left cannot wait for even one batch that just began
    assert edf.in_time - fcfs.in_time > 0.05 * len(requests)
