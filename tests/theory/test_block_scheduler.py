"""The model `block-scheduler`: every term by its formula; tests/fidelity has them against silicon."""

import pytest
from worlds import kernel, profile_of, simulate

from isim.contention.block_scheduler import BlockScheduler
from isim.errors import ContentionError
from isim.policies.fcfs import Fcfs
from isim.traces.trace import Trace
from isim.workload import Replay


def finishes_ms(contention, *kernels):
    """Dispatch one single-kernel batch a given kernel, all at once in this order, and return when each finished."""
    profile = profile_of({(f"m{i}", 1): [k] for i, k in enumerate(kernels)})
    trace = Trace.from_columns(arrival_ns=[0] * len(kernels), model=[f"m{i}" for i in range(len(kernels))])
    log, _ = simulate(profile, Replay(trace), Fcfs(), contention, slots=len(kernels))
    by_model = {batch.model: 1e3 * batch.finished_s for batch in log.batches}
    return [by_model[f"m{i}"] for i in range(len(kernels))]


def of(duration_ms, sm_needed=0.25, **columns):
    """Return a kernel that asks for nothing but what is given."""
    asked = {"sm": 0.0, "l2": 0.0, "dram": 0.0} | columns
    return kernel(round(duration_ms * 1e6), sm_needed=sm_needed, **asked)


def test_newer_grids_get_the_sms_that_older_ones_leave():
    # The first two fit; they leave 0.25, half of what the third needs.
    older, newer, newest = finishes_ms(BlockScheduler(crowding=0.0, hold=1.0), of(10, 0.5), of(10, 0.25), of(10, 0.5))
    assert (older, newer) == pytest.approx((10, 10), rel=1e-9)
    assert newest == pytest.approx(10 + (10 - 0.25 / 0.5 * 10), rel=1e-9)


def test_a_full_grid_gets_what_older_ones_leave_over_time():
    older, newer = finishes_ms(BlockScheduler(crowding=0.0, kappa=0.75, hold=0.5), of(8, 1.0, l2=0.8), of(8, 1.0))
    assert older == pytest.approx(8)
    assert newer == pytest.approx(8 + (8 - 0.4 * 8))  # 1 - 0.75 * 0.8


def test_an_idle_kernel_holds_its_sms_as_well():
    older, newer = finishes_ms(BlockScheduler(crowding=0.0, kappa=1.0, hold=0.75), of(8, 1.0, l2=0.5), of(8, 1.0))
    assert older == pytest.approx(8)
    assert newer == pytest.approx(8 + (8 - 0.25 * 8))
    # On half of the SMs it holds half as much, and leaves more over time than the other half is room for all.
    older, newer = finishes_ms(BlockScheduler(crowding=0.0, kappa=1.0, hold=0.75), of(8, 0.5), of(8, 1.0))
    assert newer == pytest.approx(8 + (8 - 0.625 * 8))


def test_a_starved_kernel_gets_on():
    older, newer = finishes_ms(BlockScheduler(crowding=0.0, kappa=1.0, hold=1.0), of(10, 1.0), of(1, 1.0))
    assert older == pytest.approx(10)
    assert newer == pytest.approx(10 + 1 - 0.02 * 10)


def test_a_grid_of_unknown_size_fills_the_gpu():
    unknown = kernel(8_000_000, sm=0.0, l2=0.0, dram=0.0)
    assert finishes_ms(BlockScheduler(crowding=0.0, kappa=0.75, hold=1.0), unknown, unknown) == pytest.approx([8, 14])


def test_issue_slots_are_shared_in_proportion():
    # 0.9 + 0.6: both 1.5 times slower until the shorter ends. Up to the peak nobody is slowed.
    asks = [{"sm": 0.9}, {"sm": 0.6}]
    assert finishes_ms(BlockScheduler(crowding=0.0), of(6, **asks[0]), of(4, **asks[1])) == pytest.approx([8, 6])
    assert finishes_ms(BlockScheduler(crowding=0.0), of(6, sm=0.4), of(4, **asks[1])) == pytest.approx([6, 4])
    assert finishes_ms(BlockScheduler(crowding=0.0), of(6, **asks[0]), of(6, **asks[0]), of(4)) == pytest.approx(
        [10.8, 10.8, 4]
    )


@pytest.mark.parametrize("resource", ["l2", "dram"])
def test_memory_slows_by_what_the_others_ask(resource):
    # 0.5 and 0.75 of the peak: both 1 + 0.375 times slower, and 1.25 / 1.375 of the peak is delivered.
    asks = [{resource: 0.5}, {resource: 0.75}]
    assert finishes_ms(BlockScheduler(crowding=0.0), of(4, **asks[0]), of(4, **asks[1])) == pytest.approx([5.5, 5.5])
    assert finishes_ms(BlockScheduler(crowding=0.0), *[of(4, **{resource: 1.0})] * 3) == pytest.approx([12] * 3)
    assert finishes_ms(BlockScheduler(crowding=0.0), of(4, l2=1.0), of(4, dram=1.0)) == pytest.approx([4, 4])


def test_a_kernel_held_up_asks_less_of_memory():
    # The newer is granted 0.25 and asks 0.25 of DRAM: both 1.25 times slower.
    older, newer = finishes_ms(
        BlockScheduler(crowding=0.0, kappa=0.75, hold=0.0), of(8, 1.0, dram=1.0), of(8, 1.0, dram=1.0)
    )
    assert older == pytest.approx(10)
    assert newer == pytest.approx(10 + 8 - 10 * 0.25 / 1.25)


def test_what_runs_at_once_slows_by_how_busy_it_is():
    # Each 1 + 0.1 * 0.5 times slower until the shorter ends; where memory slows more, it alone counts.
    crowded = BlockScheduler(crowding=0.1)
    assert finishes_ms(crowded, of(4, sm=0.5), of(8, sm=0.5)) == pytest.approx([4.2, 8.2])
    assert finishes_ms(crowded, of(4, dram=1.0), of(4, dram=1.0)) == pytest.approx([8, 8])
    # An idle one slows nobody, and does 4 / 1.05 ms of its work beside the other.
    assert finishes_ms(crowded, of(4, sm=0.5), of(4)) == pytest.approx([4, 4 + (4 - 4 / 1.05)])


def test_copies_share_their_link_and_hold_no_sm():
    to, back = ({"kind": kind, "duration_ns": 4_000_000, "gap_ns": 0} for kind in ("memcpy_h2d", "memcpy_d2h"))
    assert finishes_ms(BlockScheduler(crowding=0.0), to, to) == pytest.approx([8, 8])
    assert finishes_ms(BlockScheduler(crowding=0.0), to, back) == pytest.approx([4, 4])
    assert finishes_ms(BlockScheduler(crowding=0.0), to, of(4, 1.0, sm=1.0, l2=1.0, dram=1.0)) == pytest.approx([4, 4])


def test_moving_memory_within_the_device_holds_dram_and_no_sm():
    moved = {"kind": "memset", "duration_ns": 4_000_000, "gap_ns": 0}
    assert finishes_ms(BlockScheduler(crowding=0.0), moved, moved) == pytest.approx([8, 8])
    assert finishes_ms(BlockScheduler(crowding=0.0), moved, of(4, 1.0, sm=1.0)) == pytest.approx([4, 4])


@pytest.mark.parametrize(("name", "most"), [("kappa", 2), ("hold", 1), ("crowding", 1)])
@pytest.mark.parametrize("beyond", [-3.1, 0.1, float("nan"), float("inf")])
def test_parameters_have_bounds(name, most, beyond):
    with pytest.raises(ContentionError, match=rf"{name} must be 0\.\.{most}"):
        BlockScheduler(**{name: most + beyond})
