"""Measured mixes recover the slowdowns that are planted in a device of virtual time."""

import pytest
from fake_device import CLOCK_MHZ, FakeDevice, fake_bench

from isim.errors import ProfileError
from isim.profiler.colocated import Rounds, measure_mix
from isim.profiler.mix import parse_mix
from isim.profiler.stopping import Stopping

MODELS = {"bert": (400_000, 600_000), "mlp": (90_000,)}
SLOWDOWNS = {("bert", "mlp"): 1.3, ("mlp", "bert"): 1.75, ("bert", "bert"): 2.0}
QUICK = Rounds(stretch_s=0.05, stopping=Stopping(noise=0.01, timeout_s=3.0))


@pytest.mark.parametrize(
    ("text", "solo_ns", "slowdown"),
    [("bert@1 + mlp@1", [1_002_000, 92_000], [1.3, 1.75]), ("bert@2 + bert@2", [2_002_000] * 2, [2.0, 2.0])],
)
def test_planted_slowdowns_are_recovered_under_launch_gaps(
    text: str, solo_ns: list[int], slowdown: list[float]
) -> None:
    device = FakeDevice(MODELS, SLOWDOWNS, gap_ns=2_000)
    result = measure_mix(fake_bench(device), parse_mix(text), "streams", QUICK, "seed")
    assert result["solo_ns"] == pytest.approx(solo_ns, rel=0.01)
    assert result["slowdown_median"] == pytest.approx(slowdown, rel=0.02)
    assert result["slowdown_mean"] == pytest.approx(slowdown, rel=0.02)
    assert result["rejected_share"] == 0
    assert all(workload.closed for workload in device.loaded)


def test_members_take_turns_forwards_and_backwards() -> None:
    result = measure_mix(
        fake_bench(FakeDevice(MODELS, SLOWDOWNS)), parse_mix("bert@1 + mlp@1"), "streams", QUICK, "seed"
    )
    ran = ["+".join(sorted({row["model"] for row in rows})) for rows in result["experiments"]]
    assert ran[:6] == ["bert", "mlp", "bert+mlp", "bert+mlp", "mlp", "bert"]
    assert len(ran) % 6 == 0
    assert len(ran) >= 12


def test_members_begin_at_other_phases_every_round_but_the_same_for_the_same_seed() -> None:
    def phases(seed: str) -> list[int]:
        device = FakeDevice(MODELS, SLOWDOWNS)
        mix = parse_mix("bert@1 + bert@1")
        result = measure_mix(fake_bench(device), mix, "streams", QUICK, seed)
        together = [rows for rows in result["experiments"] if len({row["member"] for row in rows}) == 2]
        first = [[min(r["start_ns"] for r in rows if r["member"] == m) for m in (0, 1)] for rows in together]
        return [starts[1] - starts[0] for starts in first]

    assert phases("a") == phases("a")
    assert phases("a") != phases("b")
    assert len(set(phases("a"))) > 3


def test_only_executions_inside_the_overlap_count() -> None:
    device = FakeDevice(MODELS, SLOWDOWNS)
    result = measure_mix(fake_bench(device), parse_mix("bert@1 + mlp@1"), "streams", QUICK, "seed")
    for rows in result["experiments"]:
        lanes = [[row for row in rows if row["member"] == member] for member in {row["member"] for row in rows}]
        first = max(min(row["start_ns"] for row in lane) for lane in lanes)
        last = min(max(row["finish_ns"] for row in lane) for lane in lanes)
        assert [row["counted"] for row in rows] == [
            row["start_ns"] >= first and row["finish_ns"] <= last for row in rows
        ]
        assert min(row["start_ns"] for row in rows) == 0


def test_throttled_executions_are_kept_but_do_not_count() -> None:
    device = FakeDevice(MODELS, SLOWDOWNS, throttled=lambda number: number % 50 == 0)
    result = measure_mix(fake_bench(device), parse_mix("bert@1 + bert@1"), "streams", QUICK, "seed")
    assert result["solo_ns"] == [1_000_000] * 2
    assert 0 < result["rejected_share"] < 0.1
    assert result["slowdown_median"] == pytest.approx([2.0, 2.0], rel=0.02)
    rows = [row for rows in result["experiments"] for row in rows]
    assert not all(row["counted"] for row in rows)


def test_a_lower_clock_beside_others_is_normalised_away() -> None:
    # Beside one another both run at 98 % of the clock: not throttled, but 1/0.98 of the slowdown is the clock's.
    device = FakeDevice(MODELS, SLOWDOWNS)
    bench = fake_bench(device)
    telemetry = bench.telemetry
    assert telemetry is not None
    plain_stop = telemetry.stop

    def stop():  # type: ignore[no-untyped-def]
        samples = plain_stop()
        clocks = [CLOCK_MHZ if index % 2 else CLOCK_MHZ * 0.98 for index in range(len(samples.table))]
        table = samples.table.set_column(1, samples.table.schema.field(1), [clocks])
        return type(samples).from_table(table, {})

    telemetry.stop = stop  # type: ignore[method-assign]
    result = measure_mix(bench, parse_mix("bert@1 + mlp@1"), "streams", QUICK, "seed")
    rows = [row for rows in result["experiments"] for row in rows if row["counted"]]
    shares = [row["slowdown_at_solo_clock"] / row["slowdown"] for row in rows]
    assert all(0.97 < share < 1.03 for share in shares)
    assert len(set(shares)) > 1


def test_a_way_of_sharing_the_device_does_not_know_is_refused() -> None:
    with pytest.raises(ProfileError, match="--device fake cannot share so; use streams"):
        measure_mix(fake_bench(FakeDevice(MODELS)), parse_mix("bert@1 + mlp@1"), "mps", QUICK, "seed")
