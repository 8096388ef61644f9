"""What Nsight Compute counted: units from the file, metrics under all their names, and the real exports."""

from pathlib import Path
from typing import Any

import pytest

from isim.errors import ProfileError
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.combine import combine
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.formats import read_counted
from isim.profiler.importers.ncu import read_ncu
from isim.profiler.importers.ncu_batch import ncu_batch

HEADER = ["ID", "Process ID", "Process Name", "Host Name", "Kernel Name", "Context", "Stream"]
TIME, SM = "gpu__time_duration.sum", "sm__throughput.avg.pct_of_peak_sustained_elapsed"
DRAM = ["gpu__dram_throughput", "dram__throughput"]
PERCENT = "avg.pct_of_peak_sustained_elapsed"


def csv(*lines: list[str]) -> str:
    return "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines)


def wide(columns: dict[str, tuple[str, list[str]]]) -> str:
    """Write a raw page: of each metric its unit, and the values of the kernels."""
    kernels = len(next(iter(columns.values()))[1])
    rows = [
        [str(i), "9", "python", "127.0.0.1", f"gemm_{i}(int)", "1", "7", *(values[i] for _, values in columns.values())]
        for i in range(kernels)
    ]
    return csv([*HEADER, *columns], [""] * len(HEADER) + [unit for unit, _ in columns.values()], *rows)


def batch(path: Path, cut: str = "whole", **said: Any) -> ImportedBatch:
    made = ncu_batch(path, read_counted(path), "bert", 8, Cut.read(cut), **said)
    combine([made], backend="ncu", method="")
    return made


def of_text(folder: Path, text: str, **said: Any) -> ImportedBatch:
    path = folder / "run.csv"
    path.write_text(text)
    return batch(path, **said)


@pytest.mark.parametrize(
    ("unit", "value", "duration_ns"),
    [
        ("ns", "84480", 84480),
        ("nsecond", "84,480", 84480),
        ("us", "84.48", 84480),
        ("usecond", "84.480000", 84480),
        ("ms", "1.27", 1_270_000),
        ("msecond", "0.08448", 84480),
        ("s", "2", 2 * 10**9),
        ("second", "0.5", 5 * 10**8),
    ],
)
def test_durations_have_the_unit_of_the_file(tmp_path: Path, unit: str, value: str, duration_ns: int) -> None:
    assert of_text(tmp_path, wide({TIME: (unit, [value])})).rows[0]["duration_ns"] == duration_ns


def test_units_of_memory(tmp_path: Path) -> None:
    memory = {
        "launch__shared_mem_per_block_static": ("Kbyte/block", ["1.024"]),
        "launch__shared_mem_per_block_dynamic": ("byte/block", ["512"]),
    }
    made = of_text(tmp_path, wide({TIME: ("ns", ["9"]), **memory}))
    assert made.rows[0]["shared_memory_bytes"] == 1536


@pytest.mark.parametrize("name", DRAM)
def test_both_names_of_the_dram(tmp_path: Path, name: str) -> None:
    made = of_text(tmp_path, wide({TIME: ("ns", ["9"]), f"{name}.{PERCENT}": ("%", ["31.28"])}))
    assert made.rows[0]["dram"] == 0.3128
    assert made.facts["metrics"] == {"dram": f"{name}.{PERCENT}"}


def test_the_dram_under_a_name_without_values(tmp_path: Path) -> None:
    both = {f"{DRAM[0]}.{PERCENT}": ("%", ["n/a", "(!) n/a"]), f"{DRAM[1]}.{PERCENT}": ("%", ["50", "n/a"])}
    made = of_text(tmp_path, wide({TIME: ("ns", ["9", "9"]), **both}))
    assert [row.get("dram") for row in made.rows] == [0.5, None]


def test_what_ncu_and_the_program_print_is_skipped(tmp_path: Path) -> None:
    noise = '==PROF== Connected to process 9\nloss: 0.3, "good"\n==WARNING== a, b\n'
    made = of_text(tmp_path, noise + wide({TIME: ("ns", ["9"])}) + "==PROF== Disconnected from process 9\n")
    assert len(made.rows) == 1


def test_continental_numbers(tmp_path: Path) -> None:
    made = of_text(tmp_path, wide({TIME: ("ns", ["1.234.567"]), SM: ("%", ["31,28"])}))
    assert (made.rows[0]["duration_ns"], made.rows[0]["sm"]) == (1234567, 0.3128)
    with pytest.raises(ProfileError, match=r"numbers of two locales \(found '1,234.5' and '31,28'\)"):
        of_text(tmp_path, wide({TIME: ("ns", ["1,234.5"]), SM: ("%", ["31,28"])}))


def test_utf16_of_a_redirection(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text(wide({TIME: ("ns", ["9"])}), encoding="utf-16")
    assert batch(path).rows[0]["duration_ns"] == 9


def test_repetitions_are_medians(tmp_path: Path) -> None:
    text = wide({TIME: ("ns", ["10", "14", "12"]), SM: ("%", ["10", "30", "80"])}).replace("gemm_1", "gemm_0")
    made = of_text(tmp_path, text.replace("gemm_2", "gemm_0"), cut="repeats=3")
    assert [(row["duration_ns"], row["sm"], row["samples"]) for row in made.rows] == [(12, 0.3, 3)]


def test_the_solo_period_adds_the_time_between_kernels(tmp_path: Path) -> None:
    made = of_text(tmp_path, wide({TIME: ("ns", ["10", "14"])}), solo_period_s=30e-9)
    assert [(row["gap_ns"], row["duration_ns"]) for row in made.rows] == [(6, 10), (0, 14)]


def test_the_details_page_tells_bandwidths_from_shares(tmp_path: Path) -> None:
    header = [*HEADER, "Block Size", "Grid Size", "Section Name", "Metric Name", "Metric Unit", "Metric Value"]
    launch = ["0", "9", "python", "127.0.0.1", "gemm", "1", "7", "(16, 16, 1)", "(80, 45, 1)"]
    lines = [
        [*launch, "Memory Workload Analysis", "Memory Throughput", "byte/s", "196,456,177,859.63"],
        [*launch, "GPU Speed Of Light Throughput", "Memory Throughput", "%", "61.84"],
        [*launch, "GPU Speed Of Light Throughput", "Duration", "ns", "21,058,944"],
    ]
    (row,) = of_text(tmp_path, csv(header, *lines)).rows
    assert (row["memory"], row["duration_ns"], row["grid"], row["block"]) == (0.6184, 21058944, 3600, 256)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (wide({TIME: ("fortnight", ["9"])}), "an unknown unit, not one of ns, nsecond"),
        (wide({TIME: ("", ["9"])}), "an unknown unit"),
        (
            wide({TIME: ("ns", ["fast", "9", "slow"])}),
            r"not a number \(found 'fast ns' of 'gemm_0\(int\)' and 1 more\)",
        ),
        (wide({TIME: ("ns", ["-9"])}), "negative or too large"),
        (wide({TIME: ("s", ["1e300"])}), "negative or too large"),
        (wide({TIME: ("ns", ["inf"])}), "not a finite number"),
        (wide({TIME: ("ns", ["9"]), SM: ("%", ["392"])}), "a utilisation above its peak"),
        (wide({TIME: ("ns", ["9"]), SM: ("", ["0.4"])}), "an unknown unit, not one of %"),
        (wide({TIME: ("ns", ["9", "n/a"])}), "no duration of 1 of 2 kernels"),
        (wide({SM: ("%", ["9"])}), "no duration of 1 of 1 kernels"),
        (wide({TIME: ("ns", [])}), "no kernel; profile a run that uses the GPU"),
        (csv([*HEADER, TIME], [*["0"] * len(HEADER), "9"]), "no row of units below the header"),
        (wide({TIME: ("ns", ["9", "84480"])})[:-5], r"damaged or cut off \(unexpected end of data\)"),
        (wide({TIME: ("ns", ["9", "9"])})[:-5], "line 4 has not the 8 cells of the header"),
        ('"ID","Process ID"\n', "no column 'Kernel Name'"),
        ("kernel,time\ngemm,9\n", "no table of ncu"),
        ("==ERROR== ERR_NVGPUCTRPERM\n", "no table of ncu"),
    ],
)
def test_tables_that_cannot_be_read_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        of_text(tmp_path, text)


def test_a_utilisation_just_above_its_peak_needs_a_word(tmp_path: Path) -> None:
    text = wide({TIME: ("ns", ["9"]), SM: ("%", ["100.4"])})
    with pytest.raises(ProfileError, match="may be clipped with --above-peak clip"):
        of_text(tmp_path, text)
    made = of_text(tmp_path, text, above_peak="clip")
    assert (made.rows[0]["sm"], made.facts["utilisations_clipped"]) == (1.0, 1)


@pytest.mark.parametrize("name", ["CuVectorAddDrv", "manual_nvtx"])
def test_both_pages_of_a_real_report_agree(shared_data: Path, name: str) -> None:
    folder = shared_data / "profiler-exports" / "ncu"
    raw, details = (batch(folder / f"{name}.{page}.csv").rows for page in ("raw", "details"))
    assert [row["name"] for row in raw] == [row["name"] for row in details]
    for exact, rounded in zip(raw, details, strict=True):
        assert rounded["duration_ns"] == pytest.approx(exact["duration_ns"], abs=5)
        for share in ("sm", "memory", "l2", "dram", "occupancy"):
            assert rounded[share] == pytest.approx(exact[share], abs=5.1e-5)
        for count in ("grid", "block", "registers", "shared_memory_bytes"):
            assert rounded[count] == exact[count]
    assert batch(folder / f"{name}.raw.csv").device == {"name": "NVIDIA GeForce RTX 3070", "sms": 46}


def test_known_values_of_the_real_reports(shared_data: Path) -> None:
    folder = shared_data / "profiler-exports" / "ncu"
    (add,) = batch(folder / "CuVectorAddDrv.raw.csv").rows
    assert (add["duration_ns"], add["grid"], add["block"], add["registers"]) == (3232, 196, 256, 16)
    assert (round(add["sm"], 4), round(add["l2"], 4), round(add["dram"], 4)) == (0.0594, 0.1504, 0.3128)
    assert [row["duration_ns"] for row in batch(folder / "manual_nvtx.raw.csv").rows] == [84480, 249216, 88512]
    (copy,) = batch(folder / "nsightful_copy_blocked.details.csv").rows
    assert (copy["duration_ns"], copy["dram"], copy["grid"], copy["sm_needed"]) == (21058944, 0.6184, 1024, 1.0)


@pytest.mark.parametrize("name", ["CuVectorAddDrv", "manual_nvtx"])
def test_a_binary_report_says_what_its_csv_says(shared_data: Path, name: str) -> None:
    pytest.importorskip("ncu_report", reason="the extra isim-serving[ncu] is not installed")
    folder = shared_data / "profiler-exports" / "ncu"
    report, raw = batch(folder / f"{name}.ncu-rep"), batch(folder / f"{name}.raw.csv")
    assert report.device == raw.device
    assert report.facts["metrics"] == raw.facts["metrics"]
    for one, other in zip(report.rows, raw.rows, strict=True):
        assert (one["duration_ns"], one["grid"], one["block"]) == (other["duration_ns"], other["grid"], other["block"])
        assert one["dram"] == pytest.approx(other["dram"], abs=1e-6)


def test_a_report_without_its_reader_says_how_to_export_it(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ncu_report", None)
    with pytest.raises(ProfileError) as caught:
        read_counted(shared_data / "profiler-exports" / "ncu" / "manual_nvtx.ncu-rep")
    (problem,) = caught.value.problems
    assert "install isim-serving[ncu], or export it with 'ncu --import manual_nvtx.ncu-rep --csv --page raw" in problem
    assert "--print-units base'" in problem


def test_counters_without_durations_join_only(shared_data: Path) -> None:
    path = shared_data / "profiler-exports" / "ncu" / "l4_characterize_kernels.long.csv"
    with pytest.raises(ProfileError, match=r"no duration of 135 of 135 kernels.*--counters"):
        batch(path)
    kernels = read_ncu(path)
    assert len(kernels) == 135
    assert (kernels[0].name.split("(")[0], kernels[0].grid, kernels[0].block) == ("gaussian_blur_kernel", 3600, 256)
    assert kernels[0].shares == {"sm": 0.8055, "l2": 0.1601, "dram": 0.1145, "occupancy": 0.8315}
