"""The kernels that load one resource each: they compile for every generation that is profiled, and run as models."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import compile_driver
import pytest

from isim.errors import ProfileError
from isim.profiler.device.stressor import SOURCE, STRESSORS, intensity
from isim.profiler.permission import counters_forbidden


def nvcc() -> Path:
    root = compile_driver.cuda_root()
    if root is None or not (root / "bin" / "nvcc").exists():
        pytest.skip("no nvcc: install a CUDA toolkit, or name it in CUDA_ROOT")
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc), which nvcc needs")
    return root / "bin" / "nvcc"


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_89", "sm_90"])
def test_they_compile_for_every_generation(tmp_path: Path, architecture: str) -> None:
    command = [
        nvcc(),
        f"-arch={architecture}",
        "-cubin",
        "-Werror",
        "all-warnings",
        "-o",
        tmp_path / "out.cubin",
        SOURCE,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    symbols = (tmp_path / "out.cubin").read_bytes()
    assert all(name.replace("-", "_").encode() in symbols for name in STRESSORS)


def test_each_works_on_its_resource_and_on_no_other(tmp_path: Path) -> None:
    subprocess.run([nvcc(), "-arch=compute_75", "-ptx", "-o", tmp_path / "out.ptx", SOURCE], check=True, timeout=280)
    bodies = {}
    for part in (tmp_path / "out.ptx").read_text().split(".visible .entry ")[1:]:
        bodies[part.partition("(")[0]] = part
    instructions = {"stress_fma": "fma.rn.f32", "stress_tensor": "mma.sync", "stress_shared": "ld.volatile.shared"}
    instructions |= {"stress_l2": "ld.global.cg", "stress_dram": "ld.global.cg"}
    for kernel, own in instructions.items():
        assert own in bodies[kernel]
        others = set(instructions.values()) - {own}
        assert [other for other in others if other in bodies[kernel]] == []


def test_a_stressor_is_a_model_like_any_other(virtual_gpu: Any) -> None:
    done = virtual_gpu.isim(
        "profile", "--colocate", "stress-l2@1 + stress-dram:0.5@1", "--device", "cuda:0", "-o", "c.parquet", "--json",
        PATH=f"{virtual_gpu.environment['PATH']}:{nvcc().parent}",
    )  # fmt: skip
    assert done.code == 0, done.errors
    (mix,) = json.loads(done.output)["mixes"]
    # The fake driver knows no intensity: both kernels demand 0.9 of the L2 cache.
    assert mix["slowdown_median"] == pytest.approx([1.8, 1.8], rel=0.02)
    assert done.contexts_left == ["0", "0"]


@pytest.mark.parametrize("text", ["stress-fma:0", "stress-fma:1.5", "stress-fma:half", "stress-fma:nan"])
def test_an_intensity_is_a_share(text: str) -> None:
    with pytest.raises(ProfileError, match="write a share of the time within"):
        intensity(text)


@pytest.mark.parametrize(
    ("parameters", "capabilities", "forbidden"),
    [
        ("RmProfilingAdminOnly: 1\n", "0000000000000000", True),
        ("RmProfilingAdminOnly: 0\n", "0000000000000000", False),
        ("RmProfilingAdminOnly: 1\n", "0000000000200000", False),  # CAP_SYS_ADMIN
        ("RmProfilingAdminOnly: 1\n", "0000004000000000", False),  # CAP_PERFMON
        ("RmProfilingAdminOnly: 1\n", "00000000a80425fb", True),  # root in a container
        (None, "0000000000000000", False),  # a driver that does not say
    ],
)
def test_who_may_read_counters(tmp_path: Path, parameters: str | None, capabilities: str, forbidden: bool) -> None:
    if parameters is not None:
        (tmp_path / "params").write_text(f"EnableMSI: 1\n{parameters}")
    (tmp_path / "status").write_text(f"Name:\tpython\nCapEff:\t{capabilities}\n")
    found = counters_forbidden(tmp_path / "params", tmp_path / "status")
    assert (found is not None) is forbidden
    assert found is None or "NVreg_RestrictProfilingToAdminUsers=0" in found
