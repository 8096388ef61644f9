"""Analytic profiles obey the order any hardware obeys, and say that they are analytic."""

import math

import numpy as np
import pytest

from isim.errors import ProfileError
from isim.profiler.device.analytic import analytic_profile
from isim.profiler.device.gpus import find_gpu, gpu_names
from isim.profiler.device.roofline import estimate_kernel
from isim.profiler.networks.operation import Operation
from isim.profiler.networks.registry import build_network, network_names
from isim.profiler.profile import Profile
from isim.profiler.schema import UTILISATIONS

SIZES = tuple(range(1, 9))


@pytest.fixture(scope="module", params=gpu_names())
def profile(request: pytest.FixtureRequest) -> Profile:
    return analytic_profile(request.param, network_names(), SIZES)


def test_more_samples_are_never_faster(profile: Profile) -> None:
    for model in network_names():
        solo_ns = [profile.solo_ns(model, size) for size in profile.batch_sizes(model)]
        assert len(solo_ns) == len(SIZES)
        assert solo_ns == sorted(solo_ns)


def test_batching_never_costs_throughput(profile: Profile) -> None:
    for model in network_names():
        assert 8 / profile.solo_ns(model, 8) > 1 / profile.solo_ns(model, 1)


def test_no_kernel_exceeds_a_peak(profile: Profile) -> None:
    table = profile.table
    for column in UTILISATIONS:
        values = table[column].to_numpy()
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1
    needed = [share for share in table["sm_needed"].to_pylist() if share is not None]
    assert 0 < min(needed) < max(needed) == 1


def test_work_done_is_the_work_there_is(profile: Profile) -> None:
    device = profile.footer["device"]
    for operation, row in zip(
        build_network("vit_b_16", 8).operations, profile.operations("vit_b_16", 8).slice(1).to_pylist(), strict=False
    ):
        peak = 2e6 * device["clock_mhz"] * device["sms"] * device["tensor_multiply_adds_per_clock"]
        assert row["name"] == operation.name
        # Tiles are padded, so the cores do at least what the shapes ask for.
        if operation.kind == "gemm":
            assert row["tensor"] * peak * row["duration_ns"] * 1e-9 >= 2 * operation.multiply_adds * (1 - 1e-3)


def test_faster_hardware_is_faster() -> None:
    for model in network_names():
        solo_ns = {name: analytic_profile(name, [model], [8]).solo_ns(model, 8) for name in gpu_names()}
        assert solo_ns["T4"] > solo_ns["V100"] > solo_ns["A100"] > solo_ns["H100"]
        assert solo_ns["T4"] > solo_ns["L4"] > solo_ns["A100"]


@pytest.mark.parametrize("name", gpu_names())
def test_half_precision_is_faster(name: str) -> None:
    half, single = (analytic_profile(name, ["vgg19"], [8], precision=precision) for precision in ("fp16", "fp32"))
    assert half.solo_ns("vgg19", 8) < single.solo_ns("vgg19", 8)
    assert max(single.table["tensor"].to_pylist()) == 0


def test_peaks_are_those_of_the_data_sheets() -> None:
    # Dense FP16 tensor and FP32 TFLOP/s; L4 and T4 as the clock they are taken at allows.
    assert find_gpu("V100").tensor_flops / 1e12 == pytest.approx(125, rel=0.01)
    assert find_gpu("V100").fp32_flops / 1e12 == pytest.approx(15.7, rel=0.01)
    assert find_gpu("A100").tensor_flops / 1e12 == pytest.approx(312, rel=0.01)
    assert find_gpu("A100").fp32_flops / 1e12 == pytest.approx(19.5, rel=0.01)
    assert find_gpu("H100").tensor_flops / 1e12 * 1830 / 1755 == pytest.approx(989, rel=0.01)
    assert find_gpu("L4").tensor_flops / 1e12 == pytest.approx(0.6 * 121, rel=0.01)
    assert find_gpu("T4").tensor_flops / 1e12 == pytest.approx(0.6 * 65, rel=0.01)


def test_batching_helps_convolutions_more_than_long_text() -> None:
    gain = {}
    for model, sequence_length in (("resnet50", 128), ("roberta_b", 512)):
        profile = analytic_profile("L4", [model], [1, 8], sequence_length)
        gain[model] = 8 * profile.solo_ns(model, 1) / profile.solo_ns(model, 8) - 1
    assert gain["resnet50"] > 1
    assert gain["roberta_b"] < gain["resnet50"] / 2


def test_few_tiles_leave_sms_idle() -> None:
    gpu = find_gpu("V100")
    shapes = {"rows": 32, "columns": 32, "depth": 128, "inputs": 4096, "outputs": 1024}
    small = estimate_kernel(Operation("small", "gemm", **shapes), gpu, "fp16")
    assert (small.grid, small.sm_needed) == (1, 1 / 80)
    big = Operation("big", "gemm", 8192, 8192, 1024, inputs=2**23, outputs=2**26, weights_read=2**23)
    full = estimate_kernel(big, gpu, "fp16")
    assert full.sm_needed == 1
    assert full.sm > 0.9 > 20 * small.sm


def test_a_kernel_takes_at_least_its_traffic() -> None:
    gpu = find_gpu("T4")
    stream = Operation("stream", "pointwise", 2**26, 1, 1, inputs=2**26, outputs=2**26)
    estimate = estimate_kernel(stream, gpu, "fp16")
    moved_bytes = 2 * 2**27 - gpu.l2_bytes / 2
    assert estimate.duration_ns * 1e-9 >= moved_bytes / gpu.dram_bytes_per_s
    assert estimate.dram == pytest.approx(0.85, abs=0.01)


def test_rows_tell_kernels_from_copies() -> None:
    rows = analytic_profile("L4", ["resnet50"], [4]).operations("resnet50", 4).to_pylist()
    assert [row["kind"] for row in rows] == ["memcpy_h2d", *["kernel"] * 56, "memcpy_d2h"]
    assert rows[0]["bytes"] == 4 * 3 * 224 * 224 * 4
    assert 0.5 < rows[0]["pcie"] <= 0.8
    assert rows[-1]["bytes"] == 4 * 1000 * 4
    assert {row["bytes"] for row in rows[1:-1]} == {None}
    assert {row["duration_mad_ns"] for row in rows} == {row["samples"] for row in rows} == {None}
    assert all(row["memory"] == max(row["l2"], row["dram"]) for row in rows[1:-1])
    assert min(row["gap_ns"] for row in rows) > 0


def test_the_footer_says_how_it_was_made() -> None:
    profile = analytic_profile("T4", ["roberta_b"], [1], sequence_length=64, precision="fp32")
    assert profile.origin == "analytic"
    assert profile.footer["device"]["name"] == "T4"
    assert (profile.footer["precision"], profile.footer["sequence_length"]) == ("fp32", 64)
    assert math.isclose(profile.footer["efficiency"]["dram"], 0.85)


def test_the_same_request_gives_the_same_profile() -> None:
    first = analytic_profile("H100", ["vgg19", "resnet50"], [8, 1])
    assert analytic_profile("H100", ["resnet50", "vgg19", "vgg19"], [1, 8, 8]).digest() == first.digest()


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ProfileError) as caught:
        analytic_profile("l4", ["vgg", "bert"], [0, 1], sequence_length=513, precision="int8")  # type: ignore[arg-type]
    assert len(caught.value.problems) == 6
    assert "did you mean 'L4'" in caught.value.problems[0]
    assert "at least one sample (found 0)" in caught.value.problems[3]
    with pytest.raises(ProfileError, match="none named"):
        analytic_profile("L4", [], [1])
