import pytest

from isim.errors import PolicyError
from isim.policies.planned import Planned
from isim.policies.policy import Request
from isim.policies.registry import make_policy
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse


def test_models_take_turns_with_batches_of_their_sizes() -> None:
    """Three of a and two of b wait at 10 ms; a holds two at most, b one."""
    arrivals = [("a", 0.0)] + [("a", 0.001)] * 3 + [("b", 0.002)] * 2
    assert (
        str(rehearse(make_policy("planned:batch_sizes=a@2/b@1"), arrivals))
        == "0 ms: a 0\n10 ms: b 4\n20 ms: a 1 2\n30 ms: b 5\n40 ms: a 3"
    )


def test_a_model_has_one_batch_at_a_time() -> None:
    """Of four slots two stay free, though more of a waits."""
    arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("a", 0.003)]
    assert str(rehearse(Planned(), arrivals, slots=4)) == "0 ms: a 0\n2 ms: b 2\n10 ms: a 1 3"


def test_what_would_make_a_batch_late_is_dropped_early() -> None:
    """At 11 ms a batch of two takes 12 ms: the first of the queue, due at 22 ms, has no time for it, the next has."""
    requests = [Request(0, "a", 0.0, 1.0, 0, 1, 1.0)]
    requests += [Request(i, "a", 0.001, due_s, 0, 1, 1.0) for i, due_s in enumerate((0.022, 0.024, 0.1), 1)]
    served = Rehearsal(Planned(("a@2",)), requests, 1, FixedProfile((1, 2, 4), 0.010, 0.001)).run()
    assert str(served) == "0 ms: a 0\n11 ms: drop 1\n11 ms: a 2 3"


def test_what_is_not_named_has_the_largest_profiled_size() -> None:
    arrivals = [("a", 0.0)] + [("a", 0.001)] * 9
    assert str(rehearse(Planned(("b@1",)), arrivals)) == "0 ms: a 0\n10 ms: a 1 2 3 4 5 6 7 8\n20 ms: a 9"


def test_a_request_larger_than_the_planned_batch_is_one_of_its_own() -> None:
    arrivals = [("a", 0.0, 1), ("a", 0.001, 3), ("a", 0.002, 1), ("a", 0.003, 9), ("a", 0.004, 1)]
    assert str(rehearse(Planned(("a@2",)), arrivals)) == "0 ms: a 0\n3 ms: reject 3\n10 ms: a 1\n20 ms: a 2 4"


def test_all_that_is_wrong_with_sizes() -> None:
    with pytest.raises(PolicyError) as caught:
        Planned(("a", "b@0", "c@2", "c@4"))
    assert caught.value.problems == (
        "policy planned: not a batch size (found 'a'); write batch_sizes=MODEL@SIZE/MODEL@SIZE",
        "policy planned: not a batch size (found 'b@0'); write batch_sizes=MODEL@SIZE/MODEL@SIZE",
        "policy planned: batch_sizes names c twice (found 'c@4'); give it one size",
    )


def test_a_size_that_was_not_profiled() -> None:
    with pytest.raises(PolicyError, match="batch_sizes is larger than any batch of a that was profiled"):
        rehearse(Planned(("a@9",)), [("a", 0.0)])
