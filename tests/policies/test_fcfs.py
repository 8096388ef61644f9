from isim.policies.fcfs import Fcfs
from isim.policies.rehearsal import rehearse


def test_serves_the_oldest_over_all_models_alone() -> None:
    arrivals = [("a", 0.000), ("b", 0.001), ("a", 0.002), ("c", 0.003), ("a", 0.004)]
    assert str(rehearse(Fcfs(), arrivals)) == "0 ms: a 0\n10 ms: b 1\n20 ms: a 2\n30 ms: c 3\n40 ms: a 4"


def test_fills_several_slots() -> None:
    arrivals = [("a", 0.000), ("b", 0.001), ("a", 0.002), ("b", 0.003)]
    assert str(rehearse(Fcfs(), arrivals, slots=2)) == "0 ms: a 0\n1 ms: b 1\n10 ms: a 2\n11 ms: b 3"


def test_breaks_ties_by_request_id() -> None:
    """Model b's queue comes first in the view, but its waiting request has the larger id."""
    arrivals = [("b", 0.000), ("a", 0.005), ("b", 0.005), ("a", 0.005)]
    assert str(rehearse(Fcfs(), arrivals)) == "0 ms: b 0\n10 ms: a 1\n20 ms: b 2\n30 ms: a 3"


def test_does_not_batch_at_an_idle_instant() -> None:
    """Three requests at one instant on three slots: three batches of one."""
    arrivals = [("a", 0.0), ("a", 0.0), ("b", 0.0)]
    assert str(rehearse(Fcfs(), arrivals, slots=3)) == "0 ms: a 0\n0 ms: a 1\n0 ms: b 2"
