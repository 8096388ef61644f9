"""Any CSV table of co-located executions, by the names of its columns."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from isim.errors import ProfileError
from isim.profiler.colocation import Recording
from isim.profiler.importers.recordings.columns import read_columns
from isim.profiler.importers.recordings.experiment import Campaign, Execution, Experiment
from isim.profiler.importers.recordings.record import record

MAPPING = {"experiment": "run", "model": "net", "batch_size": "n", "throughput": "rate"}


def rows_of(path: Path, text: str, **stated: Any) -> pd.DataFrame:
    path.write_text(text)
    return record(read_columns([path], **stated))[0].table.to_pandas()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_members_in_turn_with_solos_from_the_runs_alone(tmp_path: Path, count: int) -> None:
    lines = [f"alone-{net},{net},2,{100 * (net + 1)}" for net in range(count)]
    lines += [f"all,{net},2,{50 * (net + 1)}" for net in range(count)]
    text = "run,net,n,rate\n" + "\n".join(lines)
    frame = rows_of(tmp_path / "c.csv", text, columns=MAPPING, throughput_unit="samples/s", sharing="mps")
    beside = frame[frame.experiment == count]
    assert beside.member.tolist() == list(range(count))
    assert beside.slowdown.tolist() == pytest.approx([2.0] * count, rel=1e-6)  # whole nanoseconds
    # 2 samples at 50, 100, 150 and 200 samples a second.
    assert beside.finish_ns.tolist() == [40_000_000, 20_000_000, 13_333_333, 10_000_000][:count]
    assert frame[frame.experiment < count].slowdown.tolist() == [1.0] * count


@pytest.mark.parametrize(
    ("columns", "units", "expected_ns"),
    [
        ("throughput", {"throughput_unit": "batches/s"}, (20_000_000, 10_000_000)),
        ("throughput", {"throughput_unit": "samples/s"}, (80_000_000, 40_000_000)),
        ("duration", {"duration_unit": "us"}, (50_000, 100_000)),
        ("duration", {"duration_unit": "ms"}, (50_000_000, 100_000_000)),
    ],
)
def test_units_are_stated(tmp_path: Path, columns: str, units: dict[str, str], expected_ns: tuple[int, int]) -> None:
    mapping = {"experiment": "run", "model": "net", "batch_size": "n", columns: "value", "solo": "alone"}
    text = "run,net,n,value,alone\n1,a,4,50,100\n1,b,4,50,100\n"
    if columns == "duration":  # a duration grows where a throughput falls
        text = text.replace("50,100", "100,50")
    frame = rows_of(tmp_path / "c.csv", text, columns=mapping, sharing="streams", **units)
    assert (frame.solo_ns[0], frame.finish_ns[0]) == (min(expected_ns), max(expected_ns))
    assert frame.slowdown.tolist() == [2.0, 2.0]


def test_shares_and_modes_by_column(tmp_path: Path) -> None:
    """A run alone gives the solo duration of its own share only."""
    mapping = {**MAPPING, "share": "pct", "sharing": "mode", "member": "who"}
    text = (
        "run,who,net,n,rate,pct,mode\n"
        "1,0,a,1,100,40,mps\n"
        "2,1,a,1,50,40,mps\n2,0,a,1,80,60,mps\n"
        "3,0,a,1,50,40,time-slicing\n3,1,b,1,50,100,time-slicing\n"
    )
    frame = rows_of(tmp_path / "c.csv", text, columns=mapping, throughput_unit="samples/s", share_unit="percent")
    assert frame.sm_share.tolist() == [0.4, 0.6, 0.4, 0.4, 1.0]
    assert frame.sharing.tolist() == ["mps"] * 3 + ["time-slicing"] * 2
    assert frame.slowdown.fillna(0).tolist() == [1, 0, 2, 2, 0]


def test_single_executions_have_starts(tmp_path: Path) -> None:
    mapping = {"experiment": "run", "member": "who", "model": "net", "batch_size": "n", "duration": "ms", "start": "at"}
    text = "run,who,net,n,at,ms\nx,0,a,1,0,4\nx,0,a,1,4,6\nx,1,b,1,2,8\nsolo,0,a,1,0,2\nsolo,0,a,1,2,2\n"
    frame = rows_of(tmp_path / "c.csv", text, columns=mapping, duration_unit="ms", sharing="streams")
    assert frame.statistic.unique().tolist() == ["execution"]
    assert frame.start_ns.tolist() == [0, 4_000_000, 2_000_000, 0, 2_000_000]
    assert frame.finish_ns.tolist() == [4_000_000, 10_000_000, 10_000_000, 2_000_000, 4_000_000]
    assert frame.slowdown.fillna(0).tolist() == [2, 3, 0, 1, 1]


def test_what_is_stated_badly_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as refused:
        read_columns([tmp_path / "c.csv"], columns={"model": "net", "speed": "v", "share": "s"}, sharing="magic")
    assert [problem.removeprefix("csv: ").split(" (")[0] for problem in refused.value.problems] == [
        "a recording takes no 'speed'",
        "nothing says which column holds the experiment; state experiment=COLUMN",
        "nothing says which column holds the batch_size; state batch_size=COLUMN",
        "state the column of either duration or throughput",
        "no unit of SM shares",
        "unknown sharing mode",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run,net,n\n1,a,4\n", "no column 'rate' (has: run, net, n)"),
        ("run,net,n,rate\n1,a,0,5\n", "column 'n': not a whole number from 1 on (found '0' in line 2)"),
        ("run,net,n,rate\n1,a,1e300,5\n", "column 'n': not a whole number from 1 on (found '1e300' in line 2)"),
        ("run,net,n,rate\n1,,4,5\n", "column 'net': empty (found '' in line 2)"),
        ("run,net,n,rate\n1,a,4,inf\n", "column 'rate': not a positive number (found 'inf' in line 2)"),
        ("run,net,n,rate\n1,a,4,1e300\n", "a duration of 4e-291 ns is none of a batch"),
        ("run,net,n,rate\n1,a,4\n", "line 2 has 3 cells, the header 4"),
        ('run,net,n,rate\n1,"a\n', "line 2 has 2 cells"),
        ("\x00\x01", "no line below the header"),
    ],
)
def test_a_damaged_table(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(ProfileError) as refused:
        record(read_columns([tmp_path / "c.csv"], columns=MAPPING, throughput_unit="samples/s", sharing="mps"))
    assert says in str(refused.value)


def test_a_member_twice_and_two_modes_in_one_experiment(tmp_path: Path) -> None:
    mapping = {**MAPPING, "member": "who", "sharing": "mode"}
    (tmp_path / "c.csv").write_text("run,who,net,n,rate,mode\n1,0,a,1,5,mps\n1,0,b,1,5,streams\n")
    with pytest.raises(ProfileError) as refused:
        read_columns([tmp_path / "c.csv"], columns=mapping, throughput_unit="samples/s")
    assert [problem.split(": ", 2)[2].split(" (")[0] for problem in refused.value.problems] == [
        "a member twice in one experiment",
        "another sharing mode in one experiment",
    ]


def test_noise_is_what_separates_luck_from_error() -> None:
    def campaign(beside_ns: float) -> Campaign:
        alone = Experiment("alone", "mps", (Execution(0, "a", 1, 120.0),))
        pair = Experiment("pair", "mps", (Execution(0, "a", 1, beside_ns), Execution(1, "a", 1, 200.0)))
        return Campaign([alone, pair], {"format": "example"})

    assert len(record(campaign(101.0))[0].table) == 3
    lucky, notes = record(campaign(99.0))
    assert len(lucky.table) == 1
    assert notes == ("example: left out, faster beside others than alone: 1 (pair)",)
    assert len(record(campaign(99.0), noise=0.25)[0].table) == 3


def test_a_makespan_counts_for_no_member() -> None:
    table = pa.table(
        {
            "experiment": [0, 0],
            "sharing": ["mps"] * 2,
            "statistic": ["makespan"] * 2,
            "member": [0, 1],
            "model": ["a", "b"],
            "batch_size": [1, 1],
            "sm_share": [1.0, 1.0],
            "start_ns": [0, 0],
            "finish_ns": [30, 30],
            "counted": [True, False],
        }
    )
    with pytest.raises(ProfileError, match="counted is true of a makespan in 1 row"):
        Recording.from_table(table, {"origin": "imported"})
    counted = table.set_column(9, "counted", pa.array([False, False]))
    assert len(Recording.from_table(counted, {"origin": "imported"}).table) == 2
    with pytest.raises(ProfileError, match="statistic is not one of execution, mean, makespan"):
        Recording.from_table(counted.set_column(2, "statistic", pa.array(["sum"] * 2)), {"origin": "imported"})
