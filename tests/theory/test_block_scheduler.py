"""The model `block-scheduler`: every term by its formula, against silicon and against a cycle-level simulator."""

import re

import pytest
from worlds import kernel, profile_of, simulate

from isim.contention.block_scheduler import BlockScheduler
from isim.errors import ContentionError
from isim.policies.fcfs import Fcfs
from isim.traces.trace import Trace
from isim.workload import Replay

WITHIN = 0.15


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
    older, newer, newest = finishes_ms(BlockScheduler(kappa=1.0, rho=0.0), of(10, 0.5), of(10, 0.25), of(10, 0.5))
    assert (older, newer) == pytest.approx((10, 10), rel=1e-9)
    assert newest == pytest.approx(10 + (10 - 0.25 / 0.5 * 10), rel=1e-9)


def test_a_kernel_keeps_kappa_of_what_it_needs():
    older, newer = finishes_ms(BlockScheduler(kappa=0.75, rho=0.0), of(8, 1.0), of(8, 1.0))
    assert older == pytest.approx(8)
    assert newer == pytest.approx(8 + (8 - 0.25 * 8))


def test_an_idle_kernel_keeps_less():
    # u = 0.5: it keeps 0.75 * (1 - 0.5 * 0.5) of the SMs.
    older, newer = finishes_ms(BlockScheduler(kappa=0.75, rho=0.5), of(8, 1.0, l2=0.5), of(8, 1.0))
    assert older == pytest.approx(8)
    assert newer == pytest.approx(8 + (8 - 0.4375 * 8))


def test_a_starved_kernel_gets_on():
    older, newer = finishes_ms(BlockScheduler(kappa=1.0, rho=0.0), of(10, 1.0), of(1, 1.0))
    assert older == pytest.approx(10)
    assert newer == pytest.approx(10 + 1 - 0.02 * 10)


def test_a_grid_of_unknown_size_fills_the_gpu():
    unknown = kernel(8_000_000, sm=0.0, l2=0.0, dram=0.0)
    assert finishes_ms(BlockScheduler(kappa=0.75, rho=0.0), unknown, unknown) == pytest.approx([8, 14])


@pytest.mark.parametrize("resource", ["sm", "tensor"])
def test_issue_slots_and_tensor_pipes_are_shared_in_proportion(resource):
    # 0.9 + 0.6: both 1.5 times slower until the shorter ends. Up to the peak nobody is slowed.
    asks = [{resource: 0.9}, {resource: 0.6}]
    assert finishes_ms(BlockScheduler(), of(6, **asks[0]), of(4, **asks[1])) == pytest.approx([8, 6])
    assert finishes_ms(BlockScheduler(), of(6, **{resource: 0.4}), of(4, **asks[1])) == pytest.approx([6, 4])
    assert finishes_ms(BlockScheduler(), of(6, **asks[0]), of(6, **asks[0]), of(4)) == pytest.approx([10.8, 10.8, 4])


@pytest.mark.parametrize("resource", ["l2", "dram"])
def test_memory_slows_by_what_the_others_ask(resource):
    # 0.5 and 0.75 of the peak: both 1 + 0.375 times slower, and 1.25 / 1.375 of the peak is delivered.
    asks = [{resource: 0.5}, {resource: 0.75}]
    assert finishes_ms(BlockScheduler(), of(4, **asks[0]), of(4, **asks[1])) == pytest.approx([5.5, 5.5])
    assert finishes_ms(BlockScheduler(), *[of(4, **{resource: 1.0})] * 3) == pytest.approx([12] * 3)
    assert finishes_ms(BlockScheduler(), of(4, l2=1.0), of(4, dram=1.0)) == pytest.approx([4, 4])


def test_a_kernel_held_up_asks_less_of_memory():
    # The newer is granted 0.25 and asks 0.25 of DRAM: both 1.25 times slower.
    older, newer = finishes_ms(BlockScheduler(kappa=0.75, rho=0.0), of(8, 1.0, dram=1.0), of(8, 1.0, dram=1.0))
    assert older == pytest.approx(10)
    assert newer == pytest.approx(10 + 8 - 10 * 0.25 / 1.25)


def test_copies_share_their_link_and_hold_no_sm():
    to, back = ({"kind": kind, "duration_ns": 4_000_000, "gap_ns": 0} for kind in ("memcpy_h2d", "memcpy_d2h"))
    assert finishes_ms(BlockScheduler(), to, to) == pytest.approx([8, 8])
    assert finishes_ms(BlockScheduler(), to, back) == pytest.approx([4, 4])
    assert finishes_ms(BlockScheduler(), to, of(4, 1.0, sm=1.0, l2=1.0, dram=1.0)) == pytest.approx([4, 4])


def test_moving_memory_within_the_device_holds_dram_and_no_sm():
    moved = {"kind": "memset", "duration_ns": 4_000_000, "gap_ns": 0}
    assert finishes_ms(BlockScheduler(), moved, moved) == pytest.approx([8, 8])
    assert finishes_ms(BlockScheduler(), moved, of(4, 1.0, sm=1.0)) == pytest.approx([4, 4])


@pytest.mark.parametrize("name", ["kappa", "rho"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_parameters_are_shares(name, value):
    with pytest.raises(ContentionError, match=rf"{name} must be 0\.\.1"):
        BlockScheduler(**{name: value})


# Against silicon: 80 SMs with 2,048 threads each.


def averages_ms(shared_data, file):
    """Return the printed averages, in their order."""
    text = (shared_data / "gpu" / "v100-microbenchmarks" / file).read_text(encoding="utf-8")
    return [float(value) for value in re.findall(r"Avg \w+ time is ([\d.]+) ms", text)]


def needed(blocks, threads, sms=80):
    return min(1.0, blocks / (sms * min(2048 // threads, 32)))


def test_half_grids_overlap_and_full_grids_serialise(shared_data):
    figures = averages_ms(shared_data, "inter_sm-thread_block_scheduler.md")
    for blocks, (alone, _, together) in zip((80, 160), (figures[:3], figures[3:]), strict=True):
        sleeps = of(alone, needed(blocks, 1024))
        assert max(finishes_ms(BlockScheduler(), sleeps, sleeps)) == pytest.approx(together, rel=WITHIN)


def test_copies_of_memory_slow_each_other(shared_data):
    text = (shared_data / "gpu" / "v100-microbenchmarks" / "inter_sm-memory_bandwidth.md").read_text(encoding="utf-8")
    rows = [float(value) for value in re.findall(r"Average achieved bandwidth is ([\d.]+) GB/S", text)]
    alone, pairs = rows[::3], list(zip(rows[1::3], rows[2::3], strict=True))
    peak = max(sum(pair) for pair in pairs)
    for own, pair in zip(alone, pairs, strict=True):  # each process runs copies without end
        copy = of(10, dram=own / peak)
        slowdown = finishes_ms(BlockScheduler(), copy, copy)[0] / 10
        assert slowdown == pytest.approx(2 * own / sum(pair), rel=0.06)


def test_memory_and_compute_spare_each_other(shared_data):
    copy_ms, compute_ms, _, together_ms = averages_ms(shared_data, "intra_sm-ipc.md")
    copy, compute = of(copy_ms, needed(80, 1024), dram=0.93), of(compute_ms, needed(80, 128), sm=1.0)
    assert max(finishes_ms(BlockScheduler(), copy, compute)) == pytest.approx(together_ms, rel=WITHIN)


def test_kernels_on_one_sm_share_its_issue_slots(shared_data):
    figures = averages_ms(shared_data, "intra_sm-pipelines.md")
    for chains, (sequential_ms, together_ms) in enumerate(zip(figures[::2], figures[1::2], strict=True), 1):
        # A warp on each scheduler, whose chain of dependent multiply-adds fills half of the pipe; two fill it.
        compute = of(sequential_ms / 2, needed(80, 128), sm=min(1.0, chains / 2))
        assert max(finishes_ms(BlockScheduler(), compute, compute)) == pytest.approx(together_ms, rel=WITHIN)


def simulated(shared_data, blocks, mix):
    """Return start and end (cycles) of the kernels of one run of the simulator, in the order of their starts."""
    file = shared_data / "gpu" / "simulated-gpgpusim" / f"SM75_RTX2060_{blocks}blocks_{mix}.txt"
    found = re.findall(r"ISIM_KERNEL .*launch=(\d) start=(\d+) end=(\d+)", file.read_text(encoding="utf-8"))
    return [(int(start), int(end)) for _, start, end in sorted(found)]


@pytest.mark.parametrize("blocks", [15, 60])  # an SM takes blocks of one kernel at a time: a half and all of 30 SMs
@pytest.mark.parametrize("mix", ["cc", "mc", "mm"])
def test_small_and_full_grids_as_a_cycle_level_simulator_has_them(shared_data, blocks, mix):
    def alone(letter):
        ((start, end),) = simulated(shared_data, blocks, letter)
        return end - start

    # All memory kernels move the same bytes; together they reach what 60 blocks reach, which is the peak.
    peak_cycles = min(end - start for start, end in simulated(shared_data, 60, "m"))
    share = min(1.0, blocks / 30)
    columns = {"m": {"dram": peak_cycles / alone("m")}, "c": {"sm": share}}
    kernels = [of(alone(letter) / 1e3, share, **columns[letter]) for letter in mix]
    first = simulated(shared_data, blocks, mix)[0][0]
    expected = [(end - first) / 1e3 for _, end in simulated(shared_data, blocks, mix)]
    assert finishes_ms(BlockScheduler(), *kernels) == pytest.approx(expected, rel=WITHIN)
