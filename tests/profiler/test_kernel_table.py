"""Kernel tables become profiles only as far as the caller says what their columns are."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isim.errors import ProfileError
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.combine import combine_kernel_tables
from isim.profiler.importers.kernel_table import read_kernel_table
from isim.profiler.profile import Profile

COLUMNS = {"name": "kernel", "duration": "time"}
REPEATED = {**COLUMNS, "segment": "part", "repeats": "times"}


def table(folder: Path, text: str, columns: dict[str, str] = COLUMNS, **options: Any) -> ImportedBatch:
    path = folder / "kernels.csv"
    path.write_text(text, newline="")
    return read_kernel_table(path, "bert", 8, columns=columns, **{"duration_unit": "us", **options})


def refusal(folder: Path, text: str, columns: dict[str, str] = COLUMNS, **options: Any) -> tuple[str, ...]:
    with pytest.raises(ProfileError) as caught:
        table(folder, text, columns, **options)
    where = f"{folder / 'kernels.csv'}: "
    assert all(problem.startswith(where) for problem in caught.value.problems)
    return tuple(problem.removeprefix(where) for problem in caught.value.problems)


@pytest.mark.parametrize(("unit", "duration_ns"), [("ns", 3), ("us", 2500), ("ms", 2_500_000), ("s", 2_500_000_000)])
def test_durations_have_the_unit_stated(tmp_path: Path, unit: str, duration_ns: int) -> None:
    time = 3 if unit == "ns" else 2.5
    made = table(tmp_path, f"kernel,time\ngemm,{time}\n", duration_unit=unit)
    assert [row["duration_ns"] for row in made.rows] == [duration_ns]


def test_utilisations_have_the_unit_stated(tmp_path: Path) -> None:
    text = "kernel,time,use,blocks\ngemm,1,80.5,640\nadd,1,,\n"
    columns = {**COLUMNS, "dram": "use", "grid": "blocks"}
    profile = combine_kernel_tables([table(tmp_path, text, columns, utilisation_unit="percent")])
    assert profile.table["dram"].to_pylist() == [0.805, None]
    assert profile.table["grid"].to_pylist() == [640, None]
    assert profile.table["sm"].null_count == 2
    ratios = table(tmp_path, text.replace("80.5", "0.805"), columns, utilisation_unit="ratio")
    assert ratios.rows[0]["dram"] == 0.805
    assert "a utilisation above its peak" in refusal(tmp_path, text, columns, utilisation_unit="ratio")[0]
    assert refusal(tmp_path, text, columns) == ("utilisations are read but have no unit; state percent or ratio",)


def test_a_utilisation_above_peak_needs_a_word(tmp_path: Path) -> None:
    text, columns = "kernel,time,use\ngemm,1,100.4\nadd,1,100\n", {**COLUMNS, "sm": "use"}
    (problem,) = refusal(tmp_path, text, columns, utilisation_unit="percent")
    assert "column 'use': a utilisation above its peak, or state that such are clipped (found '100.4'" in problem
    clipped = table(tmp_path, text, columns, utilisation_unit="percent", above_peak="clip")
    assert [row["sm"] for row in clipped.rows] == [1.0, 1.0]
    assert clipped.facts["utilisations_clipped"] == 1
    assert "above the peak were taken for the peak (1 of them)" in clipped.notes[0]
    far = text.replace("100.4", "392")
    assert "check the unit" in refusal(tmp_path, far, columns, utilisation_unit="percent", above_peak="clip")[0]


def test_a_segment_repeats_as_a_whole(tmp_path: Path) -> None:
    text = "kernel,time,part,times\nembed,5,start,1\ngemm,2,layer,3\nadd,1,layer,3\npool,4,layer2,2\ngemm,2,layer,1\n"
    made = table(tmp_path, text, REPEATED)
    assert [row["name"] for row in made.rows] == ["embed", *["gemm", "add"] * 3, "pool", "pool", "gemm"]
    assert combine_kernel_tables([made]).table["position"].to_pylist() == list(range(10))


def test_segments_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    text = "kernel,time,part,times\ngemm,2,layer,3\nadd,1,layer,2\npool,1,end,0\n"
    assert refusal(tmp_path, text, REPEATED) == (
        "segment 'layer': repeats are not one number from 1 (found 2, 3); state one",
        "segment 'end': repeats are not one number from 1 (found 0); state one",
    )
    half = {key: value for key, value in REPEATED.items() if key != "segment"}
    assert "only one of segment and repeats is stated" in refusal(tmp_path, text, half)[0]


def test_more_repeats_than_a_batch_can_have_are_refused(tmp_path: Path) -> None:
    """Half a million repeats of two kernels are a million kernels, and one more is too many."""
    text = "kernel,time,part,times\npool,1,start,1\ngemm,2,layer,500000\nadd,1,layer,500000\n"
    assert refusal(tmp_path, text, REPEATED) == (
        "segment 'layer': more kernels than a batch may have (found 500000 repeats of 2, at most 1,000,000 in all); "
        "correct the repeats",
    )


def test_what_the_period_exceeds_the_kernels_by_is_host_time(tmp_path: Path) -> None:
    made = table(tmp_path, "kernel,time\ngemm,70\nadd,20\n", solo_period_s=100e-6)
    assert [row["gap_ns"] for row in made.rows] == [10_000, 0]
    assert made.facts["duration_scale"] == 1
    assert made.notes == ()
    assert combine_kernel_tables([made]).solo_ns("bert", 8) == 100_000


def test_kernels_that_exceed_the_period_are_scaled_and_it_is_said(tmp_path: Path) -> None:
    made = table(tmp_path, "kernel,time\ngemm,100\nadd,25\n", solo_period_s=100e-6)
    assert [(row["gap_ns"], row["duration_ns"]) for row in made.rows] == [(0, 80_000), (0, 20_000)]
    assert made.facts["duration_scale"] == 0.8
    assert "kernels take 0.125 ms, more than the solo period of 0.100 ms" in made.notes[0]
    profile = combine_kernel_tables([made])
    assert profile.footer["sources"][0]["duration_scale"] == 0.8


@given(
    durations_ns=st.lists(st.integers(1, 10**9), min_size=1, max_size=30),
    period_ns=st.none() | st.integers(1, 10**10),
    unit=st.sampled_from(["ns", "us", "ms", "s"]),
)
@settings(max_examples=60, deadline=None)
def test_a_batch_takes_its_period_or_its_kernels(
    durations_ns: list[int], period_ns: int | None, unit: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    digits = {"ns": 0, "us": 3, "ms": 6, "s": 9}[unit]
    lines = [f"k{index},{duration_ns}e-{digits}" for index, duration_ns in enumerate(durations_ns)]
    text = "\n".join(["kernel,time", *lines])
    period_s = None if period_ns is None else period_ns / 1e9
    made = table(tmp_path_factory.mktemp("t"), text, duration_unit=unit, solo_period_s=period_s)
    total_ns = sum(row["duration_ns"] + row["gap_ns"] for row in made.rows)
    assert [row["name"] for row in made.rows] == [f"k{index}" for index in range(len(durations_ns))]
    if period_ns is None:
        assert [row["duration_ns"] for row in made.rows] == durations_ns
    else:
        assert abs(total_ns - period_ns) <= len(durations_ns)  # each scaled duration is rounded to a ns
        assert (made.facts["duration_scale"] < 1) == (sum(durations_ns) > period_ns) == bool(made.notes)


@given(text=st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("t") / "kernels.csv"
    path.write_bytes(b"kernel,time\n" + text.encode("utf-8", "surrogatepass"))
    try:
        made = read_kernel_table(path, "m", 1, columns=COLUMNS, duration_unit="ms")
    except ProfileError as error:
        assert error.problems
    else:
        assert made.rows
        assert all(row["duration_ns"] >= 0 for row in made.rows)


def test_all_mistakes_of_the_cells_come_at_once(tmp_path: Path) -> None:
    text = "kernel,time,use,blocks\na,fast,50,1.5\nb,-1,nan,2\nc,,-3,3\nd,slow,50,4\n"
    columns = {**COLUMNS, "sm": "use", "grid": "blocks"}
    assert refusal(tmp_path, text, columns, utilisation_unit="percent") == (
        "column 'time': not a number (found 'fast' in line 2 and 2 more); correct it",
        "column 'blocks': not a whole number that a count can be (found '1.5' in line 2); correct it",
        "column 'time': a negative duration (found '-1' in line 3); correct it",
        "column 'use': not a finite number (found 'nan' in line 3); correct it",
        "column 'use': a negative utilisation (found '-3' in line 4); correct it",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'kernel' (has: ); correct the mapping"),
        ("kernel,time\n", "no kernel; name a table with a header and one kernel a row"),
        ("name,time\na,1\n", "no column 'kernel' (has: name, time); correct the mapping"),
        (
            "kernel,time\nfoo<1, 2>,3\n",
            "line 2 has 3 cells, the header 2; quote names with a comma",
        ),
        ("kernel,time\na,1e300\n", "column 'time': longer than a century"),
        ('kernel,time\n"a,1\n', "the header 2"),
        (f"kernel,time\n{'a' * 200_000},1\n", "line 2 is not CSV"),
    ],
)
def test_tables_that_are_none_are_refused(tmp_path: Path, text: str, message: str) -> None:
    assert any(message in problem for problem in refusal(tmp_path, text))


def test_what_was_not_stated_is_refused(tmp_path: Path) -> None:
    found = refusal(
        tmp_path, "a\n", {"nam": "a", "duration": "b"}, duration_unit="", utilisation_unit="%", above_peak="warn"
    )
    assert len(found) == 5
    for part in ("no 'nam'", "holds the name", "unit of durations", "unit of utilisations", "above the peak"):
        assert sum(part in problem for problem in found) == 1
    assert "solo period" in refusal(tmp_path, "a\n", solo_period_s=0.0)[0]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "kernels.csv"
    with pytest.raises(ProfileError, match="no such file"):
        read_kernel_table(path, "m", 1, columns=COLUMNS, duration_unit="us")
    path.write_bytes(b"kernel,time\n\xff,1\n")
    with pytest.raises(ProfileError, match="cannot be read as text"):
        read_kernel_table(path, "m", 1, columns=COLUMNS, duration_unit="us")


def test_batches_combine_into_one_profile(tmp_path: Path) -> None:
    first = table(tmp_path, "kernel,time\ngemm,70\n")
    path = tmp_path / "other.csv"
    path.write_text("kernel,time\ngemm,90\n")
    second = read_kernel_table(path, "bert", 16, columns=COLUMNS, duration_unit="us")
    profile = combine_kernel_tables([second, first], device="a GPU", source="a paper", licence="MIT")
    assert profile.batch_sizes("bert") == (8, 16)
    assert profile.origin == "imported"
    assert [facts["batch_size"] for facts in profile.footer["sources"]] == [8, 16]
    assert profile.footer["device"] == {"name": "a GPU"}
    assert combine_kernel_tables([first, second], device="a GPU", source="a paper", licence="MIT").digest() == (
        profile.digest()
    )
    profile.write(tmp_path / "p.parquet")
    assert Profile.read(tmp_path / "p.parquet").digest() == profile.digest()
    with pytest.raises(ProfileError, match="bert at batch size 8 is given 2 times"):
        combine_kernel_tables([first, first])
    with pytest.raises(ProfileError, match="no rows"):
        combine_kernel_tables([])


def test_a_period_longer_than_any_batch_is_refused(tmp_path: Path) -> None:
    (problem,) = refusal(tmp_path, "kernel,time\na,5\n", solo_period_s=1e300)
    assert problem == (
        "bert at batch size 8: the solo period is longer than a batch takes (found 1e+300 s, at most 1e+06 s); "
        "state what was measured"
    )
