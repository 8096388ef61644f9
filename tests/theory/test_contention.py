"""Speeds of few kernels against the formulas, through the engine."""

import pytest
from worlds import kernel, profile_of, simulate

from isim.contention.block_scheduler import BlockScheduler
from isim.contention.constant import Constant
from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.policies.fcfs import Fcfs
from isim.traces.trace import Trace
from isim.workload import Replay


def durations_ms(contention, arrivals_ms, *kernels):
    """Dispatch one single-kernel batch a given kernel, each at its arrival, and return how long each took."""
    profile = profile_of({(f"m{i}", 1): [k] for i, k in enumerate(kernels)})
    trace = Trace.from_columns(
        arrival_ns=[int(ms * 1e6) for ms in arrivals_ms], model=[f"m{i}" for i in range(len(kernels))]
    )
    log, _ = simulate(profile, Replay(trace), Fcfs(), contention, slots=len(kernels))
    by_model = {batch.model: 1e3 * batch.duration_s for batch in log.batches}
    return [by_model[f"m{i}"] for i in range(len(kernels))]


@pytest.mark.parametrize("contention", [Fair(), Roofline()])
@pytest.mark.parametrize("resource", ["sm", "dram"])
def test_two_full_kernels_run_at_half_speed(contention, resource):
    full = {"sm": 0.0, "memory": 0.0} | ({"sm": 1.0} if resource == "sm" else {"memory": 1.0})
    both = durations_ms(contention, [0, 0], kernel(10_000_000, **full), kernel(10_000_000, **full))
    assert both == pytest.approx([20, 20], rel=1e-9)


@pytest.mark.parametrize("contention", [Fair(), Roofline()])
@pytest.mark.parametrize("residents", [2, 4, 8])
def test_no_slowdown_while_demands_fit(contention, residents):
    kernels = [kernel(5_000_000, sm=1 / residents, memory=1 / residents)] * residents
    assert durations_ms(contention, [0] * residents, *kernels) == pytest.approx([5] * residents, rel=1e-9)


def test_fair_slows_all_by_the_largest_total():
    # Demands 0.8 + 0.6 on the SMs: both at 1 / 1.4 until the shorter ends, though the second hardly needs them.
    a, b = durations_ms(Fair(), [0, 0], kernel(10_000_000, sm=0.8, memory=0), kernel(5_000_000, sm=0.6, memory=0))
    assert b == pytest.approx(5 * 1.4)
    assert a == pytest.approx(7 + (10 - 5))


def test_roofline_spares_the_modest():
    # Max-min of 0.9 and 0.3: the modest one gets its 0.3, the other 0.7.
    a, b = durations_ms(Roofline(), [0, 0], kernel(9_000_000, sm=0.9, memory=0), kernel(9_000_000, sm=0.3, memory=0))
    assert b == pytest.approx(9)
    assert a == pytest.approx(9 + (9 - 7))


@pytest.mark.parametrize(("kappa", "beta"), [(1.0, 0.05), (0.5, 0.2)])
def test_leftover_two_kernels(kappa, beta):
    u_old, u_new = 0.6, 0.5
    slow_old, slow_new = 1 - beta * u_new, 1 - kappa * u_old
    old, new = durations_ms(
        Leftover(kappa, beta), [0, 1], kernel(10_000_000, sm=u_old, dram=0.2), kernel(20_000_000, sm=0.1, dram=u_new)
    )
    together_ms = 9 / slow_old  # the older one has done 1 ms before
    assert old == pytest.approx(1 + together_ms)
    assert new == pytest.approx(together_ms + 20 - together_ms * slow_new)


def test_leftover_floor():
    old, new = durations_ms(Leftover(), [0, 0], kernel(10_000_000, sm=1.0), kernel(1_000_000, sm=1.0))
    assert old == pytest.approx(10 / 0.95)
    assert new == pytest.approx(10 / 0.95 + 1 - 0.02 * 10 / 0.95)


def test_constant():
    # Together for the first 3 ms of work each; then the longer is alone.
    assert durations_ms(Constant(1.5), [0, 0], kernel(3_000_000), kernel(5_000_000)) == pytest.approx([4.5, 6.5])


def test_copies_share_their_direction_only():
    to, back = {"kind": "memcpy_h2d", "pcie": 1.0}, {"kind": "memcpy_d2h", "pcie": 1.0}
    for contention in (Fair(), Roofline(), Leftover()):
        assert durations_ms(contention, [0, 0], kernel(4_000_000, **to), kernel(4_000_000, **back)) == [4, 4]
        assert durations_ms(contention, [0, 0], kernel(4_000_000, **to), kernel(4_000_000, **to)) == [8, 8]
        assert durations_ms(contention, [0, 0], kernel(4_000_000, **to), kernel(4_000_000)) == [4, 4]


def test_a_copy_that_hardly_uses_its_link_is_no_kernel():
    copy = {"kind": "memcpy_h2d", "pcie": 0.0}
    for contention in (Fair(), Roofline(), Leftover()):
        assert durations_ms(contention, [0, 0], kernel(1_000_000), kernel(1_000_000, **copy)) == [1, 1]


@pytest.mark.parametrize("kind", ["memset", "memcpy_d2d"])
def test_moving_memory_within_the_device_holds_memory_and_no_sm(kind):
    moved = {"kind": kind}
    for contention in (Fair(), Roofline()):
        assert durations_ms(contention, [0, 0], kernel(4_000_000, **moved), kernel(4_000_000, **moved)) == [8, 8]
        assert durations_ms(contention, [0, 0], kernel(4_000_000, **moved), kernel(4_000_000)) == [4, 4]
    older, newer = durations_ms(Leftover(), [0, 0], kernel(4_000_000, **moved), kernel(4_000_000))
    assert older == pytest.approx(4 / 0.95)
    assert newer > 7


@pytest.mark.parametrize(
    "contention", [NoContention(), Constant(3.0), Fair(), Roofline(), Leftover(), BlockScheduler()]
)
def test_a_lone_batch_is_not_slowed_however_late_the_clock(contention):
    kernels = [kernel(12_345, gap_ns=678, sm=0.9, memory=0.8)] * 50
    profile = profile_of({("m", 1): kernels})
    trace = Trace.from_columns(arrival_ns=[0, 10**9, 10**16], model=["m"] * 3)
    log, _ = simulate(profile, Replay(trace), Fcfs(), contention, slots=4)
    assert [batch.slowdown for batch in log.batches] == pytest.approx([1, 1, 1], abs=1e-9)
