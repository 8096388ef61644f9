import pytest

from isim.errors import PolicyError
from isim.policies.greedy import Greedy
from isim.policies.policy import Reject
from isim.policies.rehearsal import rehearse


def test_takes_all_of_the_model_with_the_oldest_request() -> None:
    arrivals = [("a", 0.000), ("b", 0.001), ("a", 0.002), ("b", 0.003), ("a", 0.004)]
    assert str(rehearse(Greedy(), arrivals)) == "0 ms: a 0\n10 ms: b 1 3\n20 ms: a 2 4"


def test_batch_is_capped_in_samples() -> None:
    arrivals = [("a", 0.000, 1), ("a", 0.001, 2), ("a", 0.002, 1), ("a", 0.003, 2), ("a", 0.004, 4)]
    assert str(rehearse(Greedy(max_batch=4), arrivals)) == "0 ms: a 0\n10 ms: a 1 2\n20 ms: a 3\n30 ms: a 4"


def test_largest_profiled_size_is_the_default_cap() -> None:
    arrivals = [("a", 0.000)] + [("a", 0.001)] * 5
    assert str(rehearse(Greedy(), arrivals, batch_sizes=(1, 2, 4))) == "0 ms: a 0\n10 ms: a 1 2 3 4\n20 ms: a 5"


def test_one_decision_fills_all_free_slots() -> None:
    """Both slots free at 10 ms, though not by one event: the rest of a goes to the second."""
    arrivals = [("a", 0.000), ("b", 0.000)] + [("a", 0.002)] * 3 + [("b", 0.001)]
    assert (
        str(rehearse(Greedy(max_batch=2), arrivals, slots=2))
        == "0 ms: a 0\n0 ms: b 1\n10 ms: b 5\n10 ms: a 2 3\n20 ms: a 4"
    )


def test_refuses_what_no_batch_can_hold() -> None:
    rehearsal = rehearse(Greedy(max_batch=2), [("a", 0.0, 3), ("a", 0.001, 2)])
    assert str(rehearsal) == "0 ms: reject 0\n1 ms: a 1"
    refused = rehearsal.log[0][1]
    assert isinstance(refused, Reject)
    assert refused.reason == "holds 3 samples, more than the largest batch, 2"


def test_max_batch_beyond_the_profile() -> None:
    with pytest.raises(PolicyError) as error:
        rehearse(Greedy(max_batch=16), [("resnet", 0.0)])
    assert str(error.value) == (
        "policy greedy: max_batch is larger than any batch of resnet that was profiled "
        "(found 16, largest profiled 8); lower max_batch or profile resnet at batch size 16"
    )


@pytest.mark.parametrize("max_batch", [0, -1, 2.5, True])
def test_max_batch_out_of_range(max_batch: object) -> None:
    with pytest.raises(PolicyError) as error:
        Greedy(max_batch=max_batch)  # type: ignore[arg-type]
    assert str(error.value) == (
        f"policy greedy: max_batch is out of range (found {max_batch!r}); give a whole number of at least 1"
    )
