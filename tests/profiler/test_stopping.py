"""When to stop, when a device is warm, which executions count: pure decisions on hand-made numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isim.errors import ProfileError
from isim.profiler.lanes import Executions, inside_overlap
from isim.profiler.mix import Member, all_mixes, parse_mix
from isim.profiler.stopping import Stopping, median_and_mad, relative_noise
from isim.profiler.telemetry import Sample
from isim.profiler.warm_up import is_warm

DURATIONS = st.lists(st.floats(1.0, 1e9), min_size=2, max_size=200)


@pytest.mark.parametrize(
    ("count", "duration_ns", "elapsed_s", "reason"),
    [
        (49, 20_000_000, 1.0, None),  # long enough, not often enough
        (50, 9_999_999, 1.0, None),  # often enough, not half a second
        (50, 10_000_000, 1.0, "noise"),
        (49, 20_000_000, 9.999, None),
        (49, 20_000_000, 10.0, "timeout"),
        (0, 1, 60.0, None),  # nothing that counts: there is no median to stop with
    ],
)
def test_all_three_conditions_are_needed(count: int, duration_ns: int, elapsed_s: float, reason: str | None) -> None:
    assert Stopping().reason([duration_ns] * count, elapsed_s) == reason


def test_two_speeds_are_noise_although_the_median_deviation_is_none() -> None:
    assert median_and_mad([1.0] * 60 + [2.0] * 40) == (1.0, 0.0)
    assert relative_noise([1.0] * 60 + [2.0] * 40) == pytest.approx(1.2533 / 1.349 / 10)


@given(DURATIONS, st.floats(0.5, 1e3))
def test_noise_has_no_unit(durations: list[float], scale: float) -> None:
    scaled = [duration * scale for duration in durations]
    assert relative_noise(scaled) == pytest.approx(relative_noise(durations), rel=1e-6, abs=1e-12)


@given(DURATIONS)
def test_more_of_the_same_is_less_noise(durations: list[float]) -> None:
    assert relative_noise(durations * 4) <= relative_noise(durations) * 1.5  # quartiles move a little with the number


@pytest.mark.parametrize(
    ("clocks_mhz", "reasons", "batches", "elapsed_s", "warm"),
    [
        ([1980.0], 0, 2, 1.0, False),
        ([1980.0], 0, 3, 0.4, False),
        ([1980.0], 0, 3, 0.5, True),
        ([345.0, 1980.0], 1, 3, 0.5, False),
        ([1980.0, 1900.0], 0, 3, 0.5, False),
        ([], 0, 3, 0.5, True),
    ],
)
def test_a_device_is_warm_when_its_clock_has_left_idle(
    clocks_mhz: list[float], reasons: int, batches: int, elapsed_s: float, warm: bool
) -> None:
    samples = [Sample(time, sm_clock_mhz=clock, throttle_reasons=reasons) for time, clock in enumerate(clocks_mhz)]
    assert is_warm(samples, batches, elapsed_s) is warm


@given(st.lists(st.lists(st.integers(1, 50), max_size=8), min_size=1, max_size=4), st.integers(0, 100))
def test_an_execution_counts_iff_every_lane_ran_all_the_while(durations: list[list[int]], offset: int) -> None:
    lanes = []
    for number, lane in enumerate(durations):
        finish = np.cumsum(lane, dtype=np.int64) + offset * number
        lanes.append(Executions(finish - np.array(lane, dtype=np.int64), finish))
    for lane, inside in zip(lanes, inside_overlap(lanes), strict=True):
        for start, finish, counts in zip(lane.start_ns, lane.finish_ns, inside, strict=True):
            ran = [len(o.start_ns) and o.start_ns[0] <= start and o.finish_ns[-1] >= finish for o in lanes]
            assert counts == all(ran)


def test_pairs_are_all_pairs_and_a_limit_spreads_them() -> None:
    pairs = all_mixes(["a", "b", "c"], [1, 4])
    assert len(pairs) == len(set(pairs)) == 21
    some = all_mixes(["a", "b", "c"], [1, 4], limit=7)
    assert len(set(some)) == 7
    assert set(some) <= set(pairs)
    assert {member.model for pair in some for member in pair} == {"a", "b", "c"}


MEMBERS = st.builds(Member, st.sampled_from(["a", "b.onnx", "m:f"]), st.integers(1, 64), st.sampled_from([1.0, 0.5]))


@given(st.lists(MEMBERS, min_size=2, max_size=4))
def test_a_mix_reads_as_it_is_written(members: list[Member]) -> None:
    assert parse_mix(" + ".join(map(str, members))) == tuple(members)


@pytest.mark.parametrize("text", ["a@0 + b@1", "a@1 + b", "a@1/0 + b@1", "a@1/1.5 + b@1", "a@1/.. + b@1", "", "a@1"])
def test_what_is_no_mix_is_refused(text: str) -> None:
    with pytest.raises(ProfileError, match="--colocate"):
        parse_mix(text)
