"""What each parameter of the dynamic batcher does, on scripted arrivals; the whole is in test_dynamic_reference."""

import math
from typing import Any, NamedTuple

import pytest

from isim.errors import PolicyError
from isim.policies.dynamic import Dynamic
from isim.policies.policy import Drop, Reject, WakeAt
from isim.policies.rehearsal import Rehearsal, rehearse

MS = 0.001


class Case(NamedTuple):
    """A policy, what arrives (model, ms, samples), and what it does; every batch takes 10 ms."""

    name: str
    parameters: dict[str, Any]
    arrivals: list[tuple[str, float, int]]
    expected: list[str]
    slots: int = 1


def singles(*times_ms: float) -> list[tuple[str, float, int]]:
    return [("a", time_ms, 1) for time_ms in times_ms]


CASES = [
    Case("without a delay nothing waits", {}, singles(0, 1, 2, 3), ["0 ms: a 0", "10 ms: a 1 2 3"]),
    Case(
        "a full batch does not wait",
        {"max_batch": 4, "max_queue_delay_s": 5 * MS},
        singles(0, 1, 2, 4),
        ["4 ms: a 0 1 2 3"],
    ),
    Case(
        "the oldest has waited for the delay",
        {"max_batch": 4, "max_queue_delay_s": 5 * MS},
        singles(0, 1, 17),
        ["5 ms: a 0 1", "22 ms: a 2"],
    ),
    Case(
        "the delay passed while no slot was free",
        {"max_batch": 4, "max_queue_delay_s": 5 * MS},
        singles(0, 7),
        ["5 ms: a 0", "15 ms: a 1"],
    ),
    Case(
        "the largest preferred size that can be filled",
        {"max_batch": 8, "max_queue_delay_s": 50 * MS, "preferred_batch_sizes": (2, 4)},
        singles(0, 1, 2, 3, 4, 5, 6),
        ["1 ms: a 0 1", "11 ms: a 2 3 4 5", "56 ms: a 6"],
    ),
    Case(
        "preferred sizes without a delay",
        {"max_batch": 8, "preferred_batch_sizes": (4,)},
        singles(0, 1, 2, 3, 4, 5, 6),
        ["0 ms: a 0", "10 ms: a 1 2 3 4", "20 ms: a 5 6"],
    ),
    Case(
        "after the delay all that fit go, not a preferred size",
        {"max_batch": 8, "max_queue_delay_s": 5 * MS, "preferred_batch_sizes": (4,)},
        singles(0, 0, 0, 0, 1, 2, 3, 4, 5, 6),
        ["0 ms: a 0 1 2 3", "10 ms: a 4 5 6 7 8 9"],
    ),
    Case(
        "no preferred size fits and the next request would pass the largest: what waits so far goes",
        {"max_batch": 8, "max_queue_delay_s": 50 * MS, "preferred_batch_sizes": (3,)},
        [("a", 0, 2), ("a", 1, 2), ("a", 2, 3)],
        ["1 ms: a 0", "11 ms: a 1", "21 ms: a 2"],
    ),
    Case(
        "a first request beyond all preferred sizes goes alone",
        {"max_batch": 8, "max_queue_delay_s": 50 * MS, "preferred_batch_sizes": (4,)},
        [("a", 0, 6), ("a", 60, 1), ("a", 61, 4)],
        ["0 ms: a 0", "61 ms: a 1", "71 ms: a 2"],
    ),
    Case(
        "a request larger than any batch is refused",
        {"max_batch": 4},
        [("a", 0, 5), ("a", 1, 4)],
        ["0 ms: reject 0", "1 ms: a 1"],
    ),
    Case(
        "queue limit: refused at arrival; what runs does not count",
        {"max_batch": 1, "max_queue_size": 2},
        singles(0, 1, 2, 3, 4, 11, 12),
        ["0 ms: a 0", "3 ms: reject 3", "4 ms: reject 4", "10 ms: a 1", "12 ms: reject 6", "20 ms: a 2", "30 ms: a 5"],
    ),
    Case(
        "queue limit: what is due when a request is refused is sent at once, without it, and makes room for the next",
        {"max_batch": 4, "max_queue_delay_s": 5 * MS, "max_queue_size": 1},
        singles(0, 5, 5),
        ["5 ms: reject 1", "5 ms: a 0", "15 ms: a 2"],
    ),
    Case(
        "timeout: found out when a batch is formed; exactly the timeout is not longer than it",
        {"max_batch": 2, "timeout_s": 8 * MS},
        singles(0, 1, 1.9, 2, 3),
        ["0 ms: a 0", "10 ms: drop 1 2", "10 ms: a 3 4"],
    ),
    Case(
        "timeout before the delay: dropped one nanosecond after it",
        {"max_batch": 8, "max_queue_delay_s": 50 * MS, "timeout_s": 8 * MS},
        singles(0, 3, 100),
        ["8.000001 ms: drop 0", "11.000001 ms: drop 1", "108.000001 ms: drop 2"],
    ),
    Case(
        "timed out requests count for the queue limit until they are found out",
        {"max_batch": 1, "timeout_s": 5 * MS, "max_queue_size": 2},
        singles(0, 1, 2, 9, 11),
        ["0 ms: a 0", "9 ms: reject 3", "10 ms: drop 1 2", "11 ms: a 4"],
    ),
    Case(
        "timeout with delay: served after those that are not timed out",
        {"max_batch": 2, "timeout_s": 8 * MS, "timeout_action": "delay"},
        singles(0, 1, 1.5, 4, 5, 6),
        ["0 ms: a 0", "10 ms: a 3 4", "20 ms: a 1 2", "30 ms: a 5"],
    ),
    Case(
        "several models: each its own batch, the oldest head first",
        {"max_batch": 4, "max_queue_delay_s": 2 * MS},
        [("a", 0, 4), ("c", 1, 1), ("b", 2, 1), ("c", 3, 1), ("b", 4, 1)],
        ["0 ms: a 0", "10 ms: c 1 3", "20 ms: b 2 4"],
    ),
    Case(
        "a model that is not ready lets a younger one go first",
        {"max_batch": 2, "max_queue_delay_s": 30 * MS},
        [("a", 0, 2), ("b", 1, 1), ("c", 2, 1), ("c", 3, 1)],
        ["0 ms: a 0", "10 ms: c 2 3", "31 ms: b 1"],
    ),
    Case(
        "several slots: an arrival fills one, a burst all",
        {"max_batch": 2, "max_queue_delay_s": 1 * MS},
        [("a", 0, 1), ("a", 5, 2), ("a", 5, 2), ("b", 6, 2), ("a", 6, 1)],
        ["1 ms: a 0", "5 ms: a 1", "5 ms: a 2", "11 ms: b 3", "15 ms: a 4"],
        slots=3,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Case) -> None:
    arrivals = [(model, round(time_ms * MS, 9), samples) for model, time_ms, samples in case.arrivals]
    rehearsal = rehearse(Dynamic(**case.parameters), arrivals, solo_s=10 * MS, slots=case.slots)
    assert str(rehearsal).split("\n") == case.expected


def wake_ups(rehearsal: Rehearsal) -> list[tuple[float, float, str]]:
    """Return when the policy asked, for when (both ms), and the tag."""
    return [
        (round(time_s / MS, 6), round(decision.time_s / MS, 6), decision.tag)
        for time_s, decision in rehearsal.log
        if isinstance(decision, WakeAt)
    ]


def test_asks_to_be_woken_once_for_a_head() -> None:
    rehearsal = rehearse(Dynamic(max_batch=4, max_queue_delay_s=5 * MS), [("a", 0.0), ("a", 1 * MS), ("a", 2 * MS)])
    assert wake_ups(rehearsal) == [(0, 5, "a")]


def test_asks_for_no_wake_up_without_a_free_slot() -> None:
    arrivals = [("a", 0.0, 4), ("b", 6 * MS, 1), ("b", 7 * MS, 1)]
    rehearsal = rehearse(Dynamic(max_batch=4, max_queue_delay_s=5 * MS), arrivals, solo_s=10 * MS)
    assert wake_ups(rehearsal) == [(10, 11, "b")]


def test_moves_the_wake_up_to_the_next_head() -> None:
    """The timer of request 0 is moved, not left to fire in vain, when 0 left early and 2 heads the queue."""
    arrivals = [("a", 0.0), ("a", 1 * MS), ("a", 3 * MS)]
    rehearsal = rehearse(Dynamic(max_batch=2, max_queue_delay_s=9 * MS), arrivals, solo_s=1 * MS)
    assert wake_ups(rehearsal) == [(0, 9, "a"), (3, 12, "a")]
    assert str(rehearsal) == "1 ms: a 0 1\n12 ms: a 2"
    assert rehearsal.events == 3 + 2 + 1  # arrivals, finishes, one timer


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 12_345.678_901_234, 1e6 + 1 / 3])
def test_one_timer_is_enough_however_late_it_is(offset_s: float) -> None:
    """arrival + delay, rounded, can be a little less than the delay after the arrival."""
    for step in range(50):
        arrived_s = offset_s + step * 1e-3 / 7
        rehearsal = rehearse(Dynamic(max_batch=4, max_queue_delay_s=0.1), [("a", arrived_s)])
        assert (len(wake_ups(rehearsal)), rehearsal.events) == (1, 3)


def test_reasons_are_recorded() -> None:
    arrivals = [("a", 0.0, 1), ("a", 1 * MS, 1), ("a", 2 * MS, 1), ("a", 3 * MS, 9)]
    rehearsal = rehearse(Dynamic(timeout_s=8.5 * MS, max_queue_size=1), arrivals)
    reasons = [decision.reason for _, decision in rehearsal.log if isinstance(decision, Reject | Drop)]
    assert reasons == [
        "queue full (1 requests)",
        "holds 9 samples, more than the largest batch, 8",
        "waited longer than 0.0085 s",
    ]


def test_max_batch_beyond_the_profile() -> None:
    with pytest.raises(PolicyError) as error:
        rehearse(Dynamic(max_batch=64), [("a", 0.0)])
    assert str(error.value) == (
        "policy dynamic: max_batch is larger than any batch of a that was profiled "
        "(found 64, largest profiled 8); lower max_batch or profile a at batch size 64"
    )


def test_preferred_size_beyond_the_profile() -> None:
    with pytest.raises(PolicyError) as error:
        rehearse(Dynamic(preferred_batch_sizes=(4, 16)), [("a", 0.0)])
    assert str(error.value) == (
        "policy dynamic: preferred_batch_sizes has a size larger than any batch of a that was profiled "
        "(found 16, largest profiled 8); leave it out or profile a at batch size 16"
    )


def test_reports_all_parameters_at_once() -> None:
    with pytest.raises(PolicyError) as error:
        Dynamic(
            max_batch=4,
            max_queue_delay_s=math.nan,
            preferred_batch_sizes=(2, 8),
            max_queue_size=0,
            timeout_s=0.0,
            timeout_action="die",  # type: ignore[arg-type]
        )
    assert error.value.problems == (
        "policy dynamic: max_queue_delay_s is out of range (found nan); give at least 0 seconds",
        "policy dynamic: preferred_batch_sizes is out of range (found (2, 8)); give whole numbers from 1 to 4",
        "policy dynamic: max_queue_size is out of range (found 0); give a whole number of at least 1",
        "policy dynamic: timeout_s is out of range (found 0.0); give more than 0 seconds",
        "policy dynamic: timeout_action is out of range (found 'die'); give reject or delay",
    )
