import pytest

from isim.errors import PolicyError
from isim.policies.rehearsal import rehearse
from isim.policies.static import Static


def test_waits_for_a_full_batch() -> None:
    arrivals = [("a", 0.000), ("b", 0.001), ("a", 0.005), ("b", 0.012)]
    rehearsal = rehearse(Static(batch_size=2), arrivals, solo_s=0.002)
    assert str(rehearsal) == "5 ms: a 0 2\n12 ms: b 1 3"


def test_never_asks_to_be_woken_without_a_delay() -> None:
    rehearsal = rehearse(Static(batch_size=3), [("a", 0.0), ("a", 0.001)])
    assert rehearsal.log == []
    assert len(rehearsal.view.queues["a"]) == 2


def test_flushes_after_the_delay_of_the_oldest() -> None:
    arrivals = [("a", 0.000), ("a", 0.004), ("a", 0.010)]
    rehearsal = rehearse(Static(batch_size=4, max_delay_s=0.006), arrivals, solo_s=0.001)
    assert str(rehearsal) == "6 ms: a 0 1\n16 ms: a 2"


def test_counts_samples() -> None:
    """3 + 3 samples fill a batch of 4, but only the first fits in it."""
    rehearsal = rehearse(Static(batch_size=4), [("a", 0.000, 3), ("a", 0.001, 3), ("a", 0.002, 1)], solo_s=0.01)
    assert str(rehearsal) == "1 ms: a 0\n11 ms: a 1 2"


def test_names_its_own_parameter_in_errors() -> None:
    with pytest.raises(PolicyError) as error:
        rehearse(Static(batch_size=16), [("a", 0.0)])
    assert str(error.value) == (
        "policy static: batch_size is larger than any batch of a that was profiled "
        "(found 16, largest profiled 8); lower batch_size or profile a at batch size 16"
    )


def test_reports_all_parameters_at_once() -> None:
    with pytest.raises(PolicyError) as error:
        Static(batch_size=0, max_delay_s=-0.1)
    assert error.value.problems == (
        "policy static: batch_size is out of range (found 0); give a whole number of at least 1",
        "policy static: max_delay_s is out of range (found -0.1); give at least 0 seconds",
    )
