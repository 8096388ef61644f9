"""The GPU device under the real pycuda and a GPU in virtual time: what was planted is what is measured."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import planted
import pytest

from isim.profiler.colocation import Recording
from isim.profiler.profile import Profile

Gpu = Any  # the fixtures' classes lie in conftest, which is no module to import from
LAUNCH_US, CALL_US = 2.0, 0.5  # what the fake driver lets a launch and any other call take


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("model", planted.MODELS)
def test_planted_solo_durations_are_recovered(virtual_gpu: Gpu, model: str, batch_size: int) -> None:
    done = virtual_gpu.isim(
        "profile", f"planted:{model}", "--device", "cuda:0", "--batch-sizes", str(batch_size), "-o", "p.parquet"
    )
    assert done.code == 0, done.errors
    profile = Profile.read(virtual_gpu.folder / "p.parquet")
    # A batch begins when its first launch is called: the launch itself is planted too.
    expected_us = planted.solo_us(model, batch_size) + LAUNCH_US + CALL_US
    assert profile.solo_ns(model, batch_size) == pytest.approx(1000 * expected_us, rel=0.01)
    assert profile.footer["device"]["sms"] == 108
    assert done.contexts_left == ["0", "0"]


def test_a_launch_bound_batch_takes_as_long_as_its_launches(virtual_gpu: Gpu) -> None:
    done = virtual_gpu.isim(
        "profile", "planted:tinies", "--device", "cuda:0", "--batch-sizes", "8", "-o", "p.parquet",
        ISIM_FAKE_CUDA_LAUNCH_US="40",
    )  # fmt: skip
    assert done.code == 0, done.errors
    # 24 kernels of 20 us that the host launches every 40.5 us; the last one runs after its launch.
    duration_us, gap_us = planted.KERNELS["tiny"][:2]
    expected_us = 24 * (40 + CALL_US) + gap_us + duration_us
    assert Profile.read(virtual_gpu.folder / "p.parquet").solo_ns("tinies", 8) == pytest.approx(
        1e3 * expected_us, rel=0.01
    )


def pair_slowdowns(gpu: Gpu, mix: str) -> list[float]:
    done = gpu.isim("profile", "--colocate", mix, "--device", "cuda:0", "--sharing", "streams", "-o", "c.parquet",
                    "--json")  # fmt: skip
    assert done.code == 0, done.errors
    assert done.contexts_left == ["0", "0"]
    (measured,) = json.loads(done.output)["mixes"]
    assert Recording.read(gpu.folder / "c.parquet").footer["origin"] == "measured"
    slowdowns: list[float] = measured["slowdown_mean"]
    return slowdowns


@pytest.mark.parametrize(
    ("mix", "slowdown"),
    [
        # One kind of kernel each and no gaps: both are always resident, and the largest sum of demands is the slowdown.
        ("planted:copies@8 + planted:copies@8", 0.8 + 0.8),
        ("planted:gemms@8 + planted:gemms@8", 0.9 + 0.9),
        ("planted:gemms@8 + planted:copies@8", 0.9 + 0.2),
    ],
)
def test_planted_pair_slowdowns_are_recovered(virtual_gpu: Gpu, mix: str, slowdown: float) -> None:
    assert pair_slowdowns(virtual_gpu, mix) == pytest.approx([slowdown, slowdown], rel=0.02)


def reference_slowdowns(models: list[str], batch_size: int, batches: int) -> list[float]:
    """Return the mean slowdowns of closed loops of planted models under the planted contention law, step by step."""
    loops = [planted.MODELS[model] * batch_size for model in models]
    at, gap_us, left_us = [0] * len(loops), [0.0] * len(loops), [0.0] * len(loops)
    for member, names in enumerate(loops):
        left_us[member], gap_us[member] = planted.KERNELS[names[0]][:2]
    gap_us[1] += 137.0  # the phase
    now_us, finished_us = 0.0, [[0.0] for _ in loops]
    while min(map(len, finished_us)) < batches:
        running = [member for member in range(len(loops)) if gap_us[member] <= 0]
        demands = [planted.KERNELS[loops[member][at[member] % len(loops[member])]][2:] for member in running]
        slow = max([1.0, *(sum(column) for column in zip(*demands, strict=True))])
        step_us = min(left_us[m] * slow if m in running else gap_us[m] for m in range(len(loops)))
        now_us += step_us
        for member, names in enumerate(loops):
            if member not in running:
                gap_us[member] -= step_us
                continue
            left_us[member] -= step_us / slow
            if left_us[member] < 1e-9:
                at[member] += 1
                left_us[member], gap_us[member] = planted.KERNELS[names[at[member] % len(names)]][:2]
                if at[member] % len(names) == 0:
                    finished_us[member].append(now_us)
    solo_us = [planted.solo_us(model, batch_size) for model in models]
    return [times[-1] / (len(times) - 1) / solo for times, solo in zip(finished_us, solo_us, strict=True)]


def test_pair_slowdowns_under_planted_gaps_are_recovered(virtual_gpu: Gpu) -> None:
    measured = pair_slowdowns(virtual_gpu, "planted:mixed@8 + planted:copies@8")
    assert measured == pytest.approx(reference_slowdowns(["mixed", "copies"], 8, 2000), rel=0.02)


def throttled_third(path: Path) -> tuple[Path, list[tuple[float, float]]]:
    """Write a state in which every third 20 ms are under a power cap, at a low temperature; return when."""
    rows, windows = [], []
    for index in range(600):
        throttled = index % 3 == 2
        clock_mhz, power_mw, reasons = (1200, 400000, 4) if throttled else (1410, 250000, 0)
        rows.append(f"{index * 20000} {clock_mhz} 1215 45 {power_mw} {reasons}")
        if throttled:
            windows.append((index * 20000.0, (index + 1) * 20000.0))
    path.write_text("\n".join(rows) + "\n")
    return path, windows


def test_throttled_repetitions_are_rejected_exactly(virtual_gpu: Gpu) -> None:
    state, windows = throttled_third(virtual_gpu.folder / "state.txt")
    done = virtual_gpu.isim("profile", "planted:mixed", "--device", "cuda:0", "--batch-sizes", "8", "-o", "p.parquet",
                            ISIM_FAKE_GPU_STATE=str(state))  # fmt: skip
    assert done.code == 0, done.errors
    (batch,) = Profile.read(virtual_gpu.folder / "p.parquet").footer["batches"]
    # The truth: the kernels as they ran, cut into batches, each with the launch and gap before its first kernel; the
    # repetitions are the last of them.
    per_batch = 8 * len(planted.MODELS["mixed"])
    kernels = done.kernels
    before_us = LAUNCH_US + CALL_US + planted.KERNELS[planted.MODELS["mixed"][0]][1]
    first, last = kernels[::per_batch], kernels[per_batch - 1 :: per_batch]
    spans = [(one.start_us - before_us, other.finish_us) for one, other in zip(first, last, strict=True)]
    spans = spans[-batch["repetitions"] :]
    throttled = sum(any(start < end and finish > begin for begin, end in windows) for start, finish in spans)
    assert 0.2 < throttled / len(spans) < 0.6
    assert round(batch["rejected_share"] * batch["repetitions"]) == throttled
    assert batch["batch_ns"] == pytest.approx(1000 * planted.solo_us("mixed", 8), rel=0.01)
    assert set(batch["telemetry"]["throttle_reasons"]) == {"sw_power_cap"}
    assert batch["telemetry"]["temperature_c"] == [45.0, 45.0, 45.0]


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ("launch:1", 1, "the GPU failed"),
        ("launch:500", 1, "the GPU failed"),
        ("memory:1", 1, "out of memory"),
        ("memory:2", 1, "out of memory"),
        ("lost:700", 1, "the GPU failed"),
        ("interrupt:1", 130, "interrupted"),
        ("interrupt:900", 130, "interrupted"),
    ],
)
def test_nothing_is_left_behind(
    virtual_gpu: Gpu, assert_clean: Callable[[Any], None], fault: str, code: int, says: str
) -> None:
    arguments = ["profile", "planted:mixed", "planted:copies", "--device", "cuda:0", "--batch-sizes", "4"]
    arguments += ["-o", "p.parquet"]
    done = virtual_gpu.isim(*arguments, ISIM_FAKE_CUDA_FAULT=fault)
    assert done.code == code, done.errors
    assert says in done.errors
    assert_clean(done)
    assert not (virtual_gpu.folder / "p.parquet").exists()
    again = virtual_gpu.isim(*arguments)
    assert again.code == 0, again.errors
    assert Profile.read(virtual_gpu.folder / "p.parquet").models == ("copies", "mixed")


@pytest.mark.parametrize("fault", ["launch:3000", "lost:3000", "interrupt:3000", "memory:2"])
def test_nothing_is_left_behind_by_a_co_location(
    virtual_gpu: Gpu, assert_clean: Callable[[Any], None], fault: str
) -> None:
    done = virtual_gpu.isim("profile", "--colocate", "planted:mixed@4 + planted:copies@4", "--device", "cuda:0",
                            "-o", "c.parquet", ISIM_FAKE_CUDA_FAULT=fault)  # fmt: skip
    assert done.code == (130 if fault.startswith("interrupt") else 1), done.errors
    assert_clean(done)
    assert not (virtual_gpu.folder / "c.parquet").exists()


def test_killed_it_goes_on_where_it_stopped(virtual_gpu: Gpu) -> None:
    arguments = ["profile", "planted:copies", "planted:mixed", "--device", "cuda:0", "--batch-sizes", "1,4"]
    arguments += ["-o", "p.parquet"]
    whole = virtual_gpu.isim(*arguments)
    launches = len(whole.kernels)
    (virtual_gpu.folder / "p.parquet").unlink()
    done = virtual_gpu.isim(*arguments, ISIM_FAKE_CUDA_FAULT=f"kill:{launches * 2 // 3}")
    assert (done.code, done.contexts_left) == (-9, None)
    assert not (virtual_gpu.folder / "p.parquet").exists()
    _, *kept = (virtual_gpu.folder / ".p.parquet.journal").read_text().splitlines()
    again = virtual_gpu.isim(*arguments)
    assert again.code == 0, again.errors
    assert kept and len(again.kernels) < launches
    batches = Profile.read(virtual_gpu.folder / "p.parquet").footer["batches"]
    assert len(batches) == 4
    for name, result in map(json.loads, kept):
        (batch,) = [one for one in batches if f"planted:{one['model']}@{one['batch_size']}" == name]
        assert batch == {column: value for column, value in result.items() if column != "operations"}


def test_no_gpu_is_one_sentence(virtual_gpu: Gpu) -> None:
    done = virtual_gpu.isim(
        "profile", "planted:mixed", "--device", "cuda:0", "-o", "p.parquet", ISIM_FAKE_CUDA_FAULT="no-device"
    )
    assert done.code == 4
    (line,) = done.errors.splitlines()
    assert "no CUDA-capable device is detected" in line
    assert "--device cpu and --device analytic:GPU work without one" in line


def test_a_second_gpu_that_is_not_there(virtual_gpu: Gpu) -> None:
    done = virtual_gpu.isim("profile", "planted:mixed", "--device", "cuda:1", "-o", "p.parquet")
    assert (done.code, done.errors) == (4, "isim: --device cuda:1: no such GPU (found 1); 'nvidia-smi' lists them\n")


def test_without_permission_clocks_stay_free_and_it_says_so(virtual_gpu: Gpu) -> None:
    arguments = ["profile", "planted:mixed", "--device", "cuda:0", "--batch-sizes", "4", "-o", "p.parquet"]
    done = virtual_gpu.isim(*arguments, ISIM_FAKE_NVML_FAULT="no-permission")
    assert done.code == 0, done.errors
    assert "isim: clocks are not locked (Insufficient Permissions); run as root" in done.errors
    assert done.clocks == []
    profile = Profile.read(virtual_gpu.folder / "p.parquet")
    assert any("clocks are not locked" in note for note in profile.footer["notes"])
    assert profile.footer["batches"][0]["sm_clock_mhz"] == 1410


def test_with_permission_clocks_are_locked_while_it_measures(virtual_gpu: Gpu) -> None:
    done = virtual_gpu.isim("profile", "planted:mixed", "--device", "cuda:0", "--batch-sizes", "4", "-o", "p.parquet")
    assert done.code == 0, done.errors
    assert ["lock", "1410", "1410"] in done.clocks
    assert all(first[0] != second[0] for first, second in pairwise(done.clocks))
    assert done.clocks[-1] == ["unlock"]


def test_without_nvml_it_measures_and_says_so(virtual_gpu_without_nvml: Gpu) -> None:
    gpu = virtual_gpu_without_nvml
    done = gpu.isim("profile", "planted:mixed", "--device", "cuda:0", "--batch-sizes", "4", "-o", "p.parquet")
    assert done.code == 0, done.errors
    assert "clocks and throttling are not recorded" in done.errors
    assert Profile.read(gpu.folder / "p.parquet").footer["batches"][0]["sm_clock_mhz"] is None


def test_a_gpu_that_nvml_loses_ends_the_campaign(virtual_gpu: Gpu, assert_clean: Callable[[Any], None]) -> None:
    done = virtual_gpu.isim("profile", "planted:mixed", "--device", "cuda:0", "--batch-sizes", "4", "-o", "p.parquet",
                            ISIM_FAKE_NVML_FAULT="lost:50")  # fmt: skip
    assert done.code == 1
    assert "NVML: the GPU stopped answering (GPU is lost)" in done.errors
    assert_clean(done)
