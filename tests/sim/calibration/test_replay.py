"""Closed-loop replay of co-location experiments."""

import pytest
from worlds import kernel, profile_of

from isim.calibration.replay import Process, replay
from isim.calibration.window import Window
from isim.contention.fair import Fair
from isim.contention.none import NoContention
from isim.operations import Operations

GPU_BOUND = [kernel(1_000_000)] * 3
HALF_HOST = [kernel(2_000_000, gap_ns=2_000_000)]
OPERATIONS = Operations(
    profile_of({("a", 1): GPU_BOUND, ("b", 4): GPU_BOUND * 2, ("h", 1): HALF_HOST}), ["a", "b", "h"]
)


def test_alone_nobody_is_slowed() -> None:
    assert replay(OPERATIONS, [Process("h", 1)], Fair()) == pytest.approx([1.0])
    assert replay(OPERATIONS, [Process("a", 1), Process("b", 4)], NoContention()) == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("count", [2, 3, 4])
def test_kernels_that_fill_the_gpu_share_it_equally(count: int) -> None:
    assert replay(OPERATIONS, [Process("a", 1)] * count, Fair()) == pytest.approx([count] * count, rel=1e-3)


def test_members_keep_their_places_whoever_starts_first() -> None:
    slow, fast = replay(OPERATIONS, [Process("b", 4), Process("h", 1)], Fair())
    fast_2, slow_2 = replay(OPERATIONS, [Process("h", 1), Process("b", 4)], Fair())
    assert slow == pytest.approx(slow_2, rel=0.02)
    assert fast == pytest.approx(fast_2, rel=0.02)
    # While h is on the GPU both run at half speed: h takes 2 + 4 ms a batch, and b is alone in 2 of every 6 ms.
    assert fast == pytest.approx(6 / 4, rel=0.01)
    assert slow == pytest.approx(6 / (2 + 2), rel=0.02)


def test_a_mean_that_is_over_time_alone_as_well_is_less() -> None:
    """The second ends after 100 batches of 6 ms, slowed by 2: 1.2 s, in which the first is slowed by 2; then 0.3 s."""
    windows = (Window(alone_s=0.3), Window(batches=100))
    found = replay(OPERATIONS, [Process("a", 1), Process("b", 4)], Fair(), windows=windows)
    assert found == pytest.approx([(1.2 + 0.3) / (1.2 / 2 + 0.3), 2], rel=0.01)
    # Whoever has done its batches first ends the time together: 100 of 3 ms, slowed by 2.
    found = replay(OPERATIONS, [Process("a", 1), Process("b", 4)], Fair(), windows=(Window(100), Window(100, 0.3)))
    assert found == pytest.approx([2, (0.6 + 0.3) / (0.6 / 2 + 0.3)], rel=0.01)
