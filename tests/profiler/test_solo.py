"""Solo measurements recover what is planted in a device of virtual time."""

import pytest
from fake_device import CLOCK_MHZ, FakeCounters, FakeDevice, fake_bench

from isim.errors import ProfileError
from isim.profiler.device.contract import Bench
from isim.profiler.solo import measure_solo
from isim.profiler.stopping import Stopping

MODELS = {"bert": (400_000, 100_000, 250_000)}
QUICK = Stopping(timeout_s=1.0)


def test_planted_durations_and_gaps_are_recovered() -> None:
    device = FakeDevice(MODELS, gap_ns=7_000)
    result = measure_solo(fake_bench(device), "bert", 2, QUICK)
    assert [row["duration_ns"] for row in result["operations"]] == [800_000, 200_000, 500_000]
    assert [row["gap_ns"] for row in result["operations"]] == [7_000, 0, 0]
    assert [row["position"] for row in result["operations"]] == [0, 1, 2]
    assert {(row["model"], row["batch_size"], row["sm_share"]) for row in result["operations"]} == {("bert", 2, 1.0)}
    assert result["batch_ns"] == 1_507_000
    assert result["stopped_by"] == "noise"
    assert result["repetitions"] >= 332  # 0.5 s of 1.507 ms
    assert result["warm"]
    assert all(workload.closed for workload in device.loaded)


def test_fifty_repetitions_even_where_half_a_second_is_one() -> None:
    result = measure_solo(fake_bench(FakeDevice({"slow": (600_000_000,)})), "slow", 1, Stopping(timeout_s=60.0))
    assert result["repetitions"] == 50


@pytest.mark.parametrize(
    ("reasons", "throttled_mhz"), [(0x4, CLOCK_MHZ), (0x8, CLOCK_MHZ), (0x20, CLOCK_MHZ), (0x0, CLOCK_MHZ * 0.969)]
)
def test_exactly_the_throttled_repetitions_are_rejected(reasons: int, throttled_mhz: float) -> None:
    device = FakeDevice(MODELS, throttled=lambda number: number % 3 == 0)
    result = measure_solo(fake_bench(device, reasons=reasons, throttled_mhz=throttled_mhz), "bert", 1, QUICK)
    assert result["batch_ns"] == 750_000
    assert result["batch_mad_ns"] == 0
    # All launches are numbered from loading on; the last repetitions are those of the recorder.
    last = device.loaded[0].launched - result["recorded_repetitions"]
    expected = [number % 3 == 0 for number in range(last - result["repetitions"], last)]
    assert result["rejected_share"] == pytest.approx(sum(expected) / len(expected), abs=1e-12)
    recorded = [number % 3 == 0 for number in range(last, last + result["recorded_repetitions"])]
    assert result["recorded_rejected_share"] == pytest.approx(sum(recorded) / len(recorded), abs=1e-12)
    assert result["sm_clock_mhz"] == CLOCK_MHZ


@pytest.mark.parametrize(("reasons", "throttled_mhz"), [(0x1, CLOCK_MHZ), (0x2, CLOCK_MHZ), (0x0, CLOCK_MHZ * 0.971)])
def test_idle_bits_and_small_changes_of_the_clock_reject_nothing(reasons: int, throttled_mhz: float) -> None:
    device = FakeDevice(MODELS, throttled=lambda number: number % 3 == 0, factor=lambda number: 1.0)
    result = measure_solo(fake_bench(device, reasons=reasons, throttled_mhz=throttled_mhz), "bert", 1, QUICK)
    assert result["rejected_share"] == 0


def test_a_batch_that_is_always_throttled_is_refused() -> None:
    device = FakeDevice(MODELS, throttled=lambda number: True)
    with pytest.raises(ProfileError, match=r"bert at batch size 1: every repetition was throttled \(sw_power_cap\)"):
        measure_solo(fake_bench(device), "bert", 1, QUICK)
    assert all(workload.closed for workload in device.loaded)


@pytest.mark.parametrize(("overhead", "flagged"), [(0.04, False), (0.06, True)])
def test_what_recording_costs_is_stored_and_flagged(overhead: float, flagged: bool) -> None:
    result = measure_solo(fake_bench(FakeDevice(MODELS), overhead), "bert", 1, QUICK)
    assert result["profiler_overhead"] == pytest.approx(overhead)
    assert result["profiler_overhead_flagged"] is flagged


def test_without_a_recorder_a_batch_is_one_operation() -> None:
    result = measure_solo(Bench(FakeDevice(MODELS, gap_ns=500)), "bert", 1, QUICK)
    assert [(row["name"], row["duration_ns"], row["gap_ns"]) for row in result["operations"]] == [("bert", 750_500, 0)]
    assert result["profiler_overhead"] == 0


def test_counters_are_joined_and_what_found_no_partner_is_named() -> None:
    device = FakeDevice(MODELS)
    result = measure_solo(fake_bench(device)._replace(counters=FakeCounters()), "bert", 1, QUICK)
    assert [row.get("sm") for row in result["operations"]] == [0.5, None, None]
    assert result["without_counters"] == {"kernel1": 1, "kernel2": 1}


def test_noise_keeps_it_measuring_until_the_timeout() -> None:
    device = FakeDevice({"noisy": (1_000_000,)}, factor=lambda number: 1.0 + number % 2)
    result = measure_solo(Bench(device), "noisy", 1, Stopping(timeout_s=2.0))
    assert result["stopped_by"] == "timeout"
    assert result["repetitions"] == pytest.approx(2.0 / 1.5e-3, rel=0.01)
