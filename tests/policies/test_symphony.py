from typing import Literal

import pytest
from rehearsals import poisson, serve

from isim.errors import PolicyError
from isim.policies.greedy import Greedy
from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse
from isim.policies.symphony import Symphony

PROFILE = FixedProfile(tuple(range(1, 17)), 0.005, 0.001)
"""A batch of n takes 5 + n ms."""
DROPS: tuple[Literal["window", "earliest"], ...] = ("window", "earliest")


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


def contended(since_s: float) -> list[Request]:
    """Four requests of a that wait from `since_s` on until a batch of c leaves them 6.5, 7, 8.5 and 9.9 ms."""
    dues_s = ((0.0, 0.0125), (0.001, 0.013), (0.002, 0.0145), (0.003, 0.0159))
    first = Request(0, "c", since_s, since_s + 0.006, 0, 1, 1.0)
    others = (Request(i, "a", since_s + at_s, since_s + due_s, 0, 1, 1.0) for i, (at_s, due_s) in enumerate(dues_s, 1))
    return [first, *others]


def test_drops_the_oldest_to_send_a_batch_of_the_wanted_size() -> None:
    """At 6 ms the last two can be in time as a batch (7 ms), the last three not (8 ms), and the first alone (6 ms).

    At 500 rps, three arrivals in 6 ms, two are wanted: 1.75 GPUs would send one every 4 ms, 11 of 12.5 ms, while threes
    come to 8 + 6. So the first, with 6.5 ms, is in the way of two, and is dropped; lazily it goes alone, too late for
    the others.
    """
    assert (
        str(Rehearsal(Symphony(), contended(0.0), 1, PROFILE).run())
        == "0 ms: c 0\n6 ms: drop 1\n6 ms: a 2 3\n13 ms: drop 4"
    )
    lazy = Rehearsal(Symphony(drop="earliest"), contended(0.0), 1, PROFILE).run()
    assert str(lazy) == "0 ms: c 0\n6 ms: a 1\n12 ms: drop 2 3 4"


def test_drops_none_that_is_in_time_alone_where_singles_are_wanted() -> None:
    """Nine more arrivals long before, one each 10 ms, make it 112 rps: two would take 18 ms to come, and 7 to run."""
    before = [Request(10 + i, "a", 0.01 * i, 0.01 * i + 0.006, 0, 1, 1.0) for i in range(9)]
    found = str(Rehearsal(Symphony(), [*before, *contended(0.1)], 1, PROFILE).run()).splitlines()
    assert found[9:] == ["100 ms: c 0", "106 ms: a 1", "112 ms: drop 2 3 4"]


def test_early_drop_keeps_goodput_and_batches_where_lazy_drop_loses_them() -> None:
    """The most that can be in time: 16 requests in 21 ms, 762 a second. Rates are 0.8, 1.2 and 1.6 times that."""
    served = {
        drop: [
            serve(Symphony(drop=drop), poisson({"m": rate_rps}, 20.0, 0.060), PROFILE)
            for rate_rps in (610.0, 914.0, 1219.0)
        ]
        for drop in DROPS
    }
    window, lazy = ([each.in_time / 20.0 for each in served[drop]] for drop in DROPS)
    assert min(window[1:]) > 0.95 * 16 / 0.021  # flat past saturation
    assert max(window) < 1.01 * 16 / 0.021
    assert max(lazy[1:]) < 0.8 * min(window[1:])
    assert [each.late for each in served["window"]] == [0, 0, 0]
    sizes = [each.mean_batch_size for each in served["window"]]
    assert sizes == sorted(sizes)
    assert served["earliest"][2].mean_batch_size < 4 < 15 < sizes[0]


def test_batches_are_larger_and_more_are_in_time_near_saturation() -> None:
    """The published shape, for one model: larger batches than eager ones at the same rate, none late, more served."""
    for rate_rps in (100.0, 300.0):
        requests = poisson({"m": rate_rps}, 30.0, 0.060)
        deferred, eager = serve(Symphony(), requests, PROFILE), serve(Greedy(), requests, PROFILE)
        assert deferred.mean_batch_size > 1.2 * eager.mean_batch_size
        assert deferred.late == 0
        assert deferred.in_time >= 0.999 * len(requests)


def test_all_parameters_that_are_wrong_are_named() -> None:
    with pytest.raises(PolicyError) as error:
        Symphony(drop="late", max_batch=0)  # type: ignore[arg-type]
    assert str(error.value) == (
        "policy symphony: drop is out of range (found 'late'); give window or earliest\n"
        "policy symphony: max_batch is out of range (found 0); give a whole number of at least 1"
    )
