import pytest

from isim.errors import PolicyError
from isim.policies.rehearsal import rehearse
from isim.policies.tf_serving import TfServing


def test_a_full_batch_goes_at_once_and_an_open_one_at_its_timeout() -> None:
    arrivals = [("a", 0.000), ("a", 0.001), ("a", 0.002)]
    policy = TfServing(max_batch_size=2, batch_timeout_s=0.005)
    assert str(rehearse(policy, arrivals, solo_s=0.001)) == "1 ms: a 0 1\n7 ms: a 2"


def test_a_request_that_does_not_fit_closes_the_batch() -> None:
    """3 + 2 samples exceed 4, so the first goes alone at once; the second opens a batch and times out at 6 ms."""
    policy = TfServing(max_batch_size=4, batch_timeout_s=0.005)
    assert str(rehearse(policy, [("a", 0.000, 3), ("a", 0.001, 2)], solo_s=0.001)) == "1 ms: a 0\n6 ms: a 1"


def test_models_take_turns_whatever_their_load() -> None:
    arrivals = [("a", 0.000)] * 6 + [("b", 0.001)] * 2
    assert str(rehearse(TfServing(max_batch_size=2), arrivals)) == (
        "0 ms: a 0\n10 ms: b 6 7\n20 ms: a 1 2\n30 ms: a 3 4\n40 ms: a 5"
    )


def test_refuses_what_would_begin_one_batch_too_many() -> None:
    """While 0 runs, 1 to 4 fill two batches; 5 would begin a third."""
    policy = TfServing(max_batch_size=2, max_enqueued_batches=2)
    assert str(rehearse(policy, [("a", i * 0.001) for i in range(6)])) == (
        "0 ms: a 0\n5 ms: reject 5\n10 ms: a 1 2\n20 ms: a 3 4"
    )


def test_batch_down_sends_what_fills_an_allowed_size() -> None:
    """Three wait at 10 ms; two are sent, the third goes with the fourth."""
    policy = TfServing(4, 0.003, allowed_batch_sizes=(2, 4), batch_padding_policy="batch-down")
    arrivals = [("a", 0.000), ("a", 0.000), ("a", 0.004), ("a", 0.004), ("a", 0.004), ("a", 0.011)]
    assert str(rehearse(policy, arrivals)) == "3 ms: a 0 1\n13 ms: a 2 3 4 5"
    assert str(rehearse(policy, arrivals[:5])) == "3 ms: a 0 1\n13 ms: a 2 3\n23 ms: a 4"


def test_padding_to_a_size_that_is_not_profiled_alone_is_refused() -> None:
    with pytest.raises(
        PolicyError, match=r"not the sizes of a that were profiled up to 4 \(found 2/4, profiled 1/2/4\)"
    ):
        rehearse(TfServing(4, allowed_batch_sizes=(2, 4)), [("a", 0.0)])


def test_allowed_sizes_end_with_the_largest_batch() -> None:
    with pytest.raises(PolicyError, match="the last equal to max_batch_size"):
        TfServing(8, allowed_batch_sizes=(2, 4))
    with pytest.raises(PolicyError, match="ascending"):
        TfServing(4, allowed_batch_sizes=(4, 2, 4))
