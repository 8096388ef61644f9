"""Limits on how many batches are on the GPU at once."""

import math

import pytest
from worlds import kernel, profile_of, simulate

from isim.contention.fair import Fair
from isim.errors import PolicyError
from isim.policies.aimd_concurrency import AimdConcurrency
from isim.policies.fixed_concurrency import FixedConcurrency
from isim.policies.greedy import Greedy
from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse
from isim.traces.trace import Trace
from isim.workload import Replay


def test_no_more_than_the_limit_at_once() -> None:
    arrivals = [("a", 0.000), ("b", 0.001), ("c", 0.002)]
    assert str(rehearse(FixedConcurrency(limit=2), arrivals, slots=3)) == "0 ms: a 0\n1 ms: b 1\n10 ms: c 2"


def test_a_limit_beyond_the_slots_is_greedy() -> None:
    arrivals = [("abc"[i % 3], i * 0.003) for i in range(30)]
    assert str(rehearse(FixedConcurrency(limit=9), arrivals, slots=2)) == str(rehearse(Greedy(), arrivals, slots=2))


@pytest.mark.parametrize("limit", [0, -1, 1.5, None])
def test_limit_out_of_range(limit: object) -> None:
    with pytest.raises(PolicyError, match="limit is out of range"):
        FixedConcurrency(limit=limit)  # type: ignore[arg-type]


def test_grows_by_windows_in_time_up_to_the_slots() -> None:
    """Every batch takes 10 ms of an SLO of 30 ms; each two requests add one slot, from one to three."""
    requests = [Request(i, f"m{i}", 0.0, 0.030, 0, 1, 1.0) for i in range(12)]
    policy = AimdConcurrency(window=2)
    rehearsal = Rehearsal(policy, requests, 3, FixedProfile((1,), 0.010, 0.0)).run()
    sent_ms = [round(time_s * 1000) for time_s, _ in rehearsal.log]
    assert sent_ms == [0, 10, 20, 20, 30, 30, 30, 40, 40, 40, 50, 50]
    assert policy.concurrency == 3.0


def test_saws_below_the_concurrency_that_slows_batches_too_much() -> None:
    """n identical batches side by side take n * 2 ms, of an SLO of 5 ms: three are too many, two are not."""
    profile = profile_of({("m", 1): [kernel(2_000_000, sm=1.0, memory=0.0)]})
    trace = Trace.from_columns(arrival_ns=[0] * 400, model=["m"] * 400)
    log, _ = simulate(profile, Replay(trace, {"m": 0.005}), AimdConcurrency(window=10), Fair(), slots=8)
    together = [round(batch.slowdown) for batch in log.batches]
    assert max(together) == 3
    assert 1 < sum(together) / len(together) < 3


def test_without_an_objective_all_slots_are_used() -> None:
    requests = [Request(i, "m", 0.0, math.inf, 0, 1, 1.0) for i in range(64)]
    policy = AimdConcurrency(window=4, max_batch=1)
    Rehearsal(policy, requests, 4, FixedProfile((1,), 0.010, 0.0)).run()
    assert policy.concurrency == 4.0
