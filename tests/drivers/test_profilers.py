"""Nsight Systems and Nsight Compute as recorder and counters: their stand-ins run the real child process."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import planted
import pytest

from isim.profiler.profile import Profile

Gpu = Any
STAND_INS = Path(__file__).parent / "stand_ins"
ARGUMENTS = ["profile", "planted:mixed", "--device", "cuda:0", "--batch-sizes", "2", "-o", "p.parquet"]


def test_nsys_gives_every_kernel_and_ncu_its_counters(virtual_gpu: Gpu) -> None:
    virtual_gpu.add_tool("nsys")
    virtual_gpu.add_tool("ncu")
    done = virtual_gpu.isim(*ARGUMENTS)
    assert done.code == 0, done.errors
    profile = Profile.read(virtual_gpu.folder / "p.parquet")
    rows = profile.operations("mixed", 2).to_pylist()
    expected = planted.MODELS["mixed"] * 2
    assert [row["name"] for row in rows] == expected
    for row, name in zip(rows, expected, strict=True):
        duration_us, gap_us, sm, l2, dram = planted.KERNELS[name]
        assert row["duration_ns"] == pytest.approx(1000 * duration_us, rel=0.01)
        assert row["gap_ns"] == pytest.approx(1000 * gap_us, abs=100)
        assert (row["sm"], row["l2"], row["dram"]) == pytest.approx((sm, l2, dram))
        assert (row["grid"], row["block"], row["registers"]) == (planted.GRID, planted.BLOCK, 32)
        assert row["tensor"] is None
    method = profile.footer["method"]
    assert method["recorder"] == "nsys"
    assert (method["counters"]["name"], method["counters"]["clock_control"]) == ("ncu", "none")
    assert done.contexts_left == ["0", "0"]


def test_cupti_gives_every_kernel(virtual_gpu: Gpu) -> None:
    virtual_gpu.environment["PYTHONPATH"] += f":{STAND_INS}"
    done = virtual_gpu.isim(*ARGUMENTS)
    assert done.code == 0, done.errors
    profile = Profile.read(virtual_gpu.folder / "p.parquet")
    rows = [row for row in profile.operations("mixed", 2).to_pylist() if row["kind"] == "kernel"]
    assert [row["name"] for row in rows] == planted.MODELS["mixed"] * 2
    for row in rows:
        duration_us, gap_us = planted.KERNELS[row["name"]][:2]
        assert row["duration_ns"] == pytest.approx(1000 * duration_us, rel=0.01)
        # The launch, and the event before it, stand before the first kernel only.
        assert row["gap_ns"] == pytest.approx(1000 * gap_us, abs=4000 if row["position"] == 0 else 100)
        assert (row["grid"], row["block"], row["registers"]) == (planted.GRID, planted.BLOCK, 32)
    assert profile.footer["method"]["recorder"] == "cupti"
    assert abs(profile.footer["batches"][0]["profiler_overhead"]) < 0.01


def test_cupti_that_another_profiler_holds_is_one_sentence(virtual_gpu: Gpu, assert_clean: Any) -> None:
    virtual_gpu.environment["PYTHONPATH"] += f":{STAND_INS}"
    done = virtual_gpu.isim(*ARGUMENTS, ISIM_FAKE_TOOL="cupti-in-use")
    assert done.code == 1
    assert "CUPTI: cannot record (ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED (39)); end other profilers" in done.errors
    assert_clean(done)


@pytest.mark.parametrize(
    ("tool", "how", "says"),
    [
        ("ncu", "garbage", "no table of ncu"),
        ("ncu", "forbidden", "ncu: counters are reserved for the administrator; run as root or with CAP_SYS_ADMIN"),
        ("ncu", "fail", "ncu: failed with exit code 1 (==ERROR== the tool failed for a reason of its own)"),
        ("nsys", "fail", "nsys: failed with exit code 1 (==ERROR== the tool failed for a reason of its own)"),
    ],
)
def test_a_tool_that_fails_is_one_sentence(virtual_gpu: Gpu, assert_clean: Any, tool: str, how: str, says: str) -> None:
    virtual_gpu.add_tool(tool)
    done = virtual_gpu.isim(*ARGUMENTS, ISIM_FAKE_TOOL=how)
    assert done.code == 1
    assert says in done.errors
    assert_clean(done)
    assert not (virtual_gpu.folder / "p.parquet").exists()


def test_a_child_that_hangs_is_killed(tmp_path: Path) -> None:
    code = "from isim.profiler.recorders.child import run_child; import sys; run_child(sys.argv[1:], timeout_s=1)"
    tool = "import subprocess; p = subprocess.Popen(['sleep', '600']); open('pid', 'w').write(str(p.pid)); p.wait()"
    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-c", tool],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "did not end within 1 s and was killed; profile fewer or smaller batches" in done.stderr
    grandchild = int((tmp_path / "pid").read_text())
    for _ in range(100):  # it is dead; that its parent, init, collects it takes a moment
        state = Path(f"/proc/{grandchild}/stat")
        if not state.exists() or state.read_text().split(")")[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(grandchild, 9)
    pytest.fail("what the child started outlived it")


def test_the_self_test_passes_where_what_it_tries_holds(virtual_gpu: Gpu) -> None:
    virtual_gpu.add_tool("nsys")
    virtual_gpu.add_tool("ncu")
    done = virtual_gpu.isim("profile", "--self-test", PATH=_path_with_nvcc(virtual_gpu))
    assert done.code == 0, done.output + done.errors
    assert [line.split()[0] for line in done.output.splitlines()] == ["passed"] * 4
    assert "one takes 10.00 ms, two on two streams 10.0" in done.output
    assert "DRAM at 2 % of its peak where the buffer stays in L2, at 90 % where it does not" in done.output
    assert done.contexts_left == ["0", "0"]


def test_the_self_test_sees_streams_that_do_not_overlap(virtual_gpu: Gpu) -> None:
    planted.write_kernels(virtual_gpu.folder / "kernels.txt", spin=(10000.0, 0.0, 1.0, 0.0, 0.0))
    done = virtual_gpu.isim("profile", "--self-test", PATH=_path_with_nvcc(virtual_gpu))
    assert done.code == 1
    assert [line.split()[0] for line in done.output.splitlines()] == ["failed", "skipped", "skipped", "skipped"]
    assert "one takes 10.00 ms, two on two streams 20.0" in done.output


def test_check_names_everything_once(virtual_gpu: Gpu) -> None:
    virtual_gpu.add_tool("ncu")
    done = virtual_gpu.isim("profile", "--check")
    assert done.code == 0, done.errors
    lines = {line[:13].strip(): line[15:].split("  ", 1) for line in done.output.splitlines()}
    assert [name for name, (state, _) in lines.items() if state == "yes"] == [
        "driver", "NVML", "clock locking", "pycuda", "CUDA", "GPU", "ncu",
    ]  # fmt: skip
    assert "108 SMs at 1410 MHz, L2 40 MiB, memory 8 GiB at 1555 GB/s" in lines["GPU"][1]
    assert "install Nsight Systems" in lines["nsys"][1]
    assert done.contexts_left == ["0", "0"]
    assert [words[0] for words in done.clocks] == ["lock", "unlock"]


def test_check_without_permission_and_without_a_gpu(virtual_gpu: Gpu) -> None:
    done = virtual_gpu.isim(
        "profile", "--check", ISIM_FAKE_CUDA_FAULT="no-device", ISIM_FAKE_NVML_FAULT="no-permission"
    )
    assert done.code == 4
    assert done.errors == "isim: no usable GPU; --device cpu and --device analytic:GPU work without one\n"
    (locking,) = [line for line in done.output.splitlines() if line.startswith("clock locking")]
    assert "no" in locking and "nvidia-smi --lock-gpu-clocks" in locking


def _path_with_nvcc(gpu: Gpu) -> str:
    import compile_driver

    root = compile_driver.cuda_root()
    if root is None or not (root / "bin" / "nvcc").exists():
        pytest.skip("no nvcc to compile the kernels with")
    return f"{gpu.environment['PATH']}:{root / 'bin'}"
