"""Profiles computed from layer shapes and data sheets, without any GPU; what they say is an estimate."""

from collections.abc import Iterable
from typing import Any, get_args

import pyarrow as pa

from isim import __version__
from isim.errors import ProfileError
from isim.profiler.device import roofline
from isim.profiler.device.gpus import Gpu, find_gpu
from isim.profiler.networks.network import Network
from isim.profiler.networks.registry import MAX_SEQUENCE_LENGTH, build_network
from isim.profiler.profile import Profile

# A kernel queued ahead starts about this long after the one before it.
_LAUNCH_GAP_NS = 1000
_COPY_START_NS = 5000
_PCIE_EFFICIENCY = 0.8
_THREADS_PER_BLOCK = 256


def analytic_profile(
    gpu: str,
    models: Iterable[str],
    batch_sizes: Iterable[int],
    sequence_length: int = 128,
    precision: roofline.Precision = "fp16",
) -> Profile:
    """Compute the profile of networks on a GPU from their shapes and its data sheet.

    Parameters
    ----------
    gpu, models
        Names of `gpu_names()` and `network_names()`.
    batch_sizes
        Samples a batch, 1 or more.
    sequence_length
        Tokens a sample of a text network, 1 to 512.
    precision
        `fp16` computes matrix products on tensor cores, `fp32` everything outside them.

    Raises
    ------
    ProfileError
        A name is unknown or a number out of range; all problems at once.

    Examples
    --------
    >>> profile = analytic_profile("T4", ["resnet50"], [1, 8])
    >>> [profile.solo_ns("resnet50", size) // 1000 for size in (1, 8)]
    [885, 4014]
    """
    models, batch_sizes = sorted(set(models)), sorted(set(batch_sizes))
    problems = _problems(gpu, models, batch_sizes, sequence_length, precision)
    if problems:
        raise ProfileError(*problems)
    device = find_gpu(gpu)
    rows = [
        row
        for model in models
        for batch_size in batch_sizes
        for row in _batch(model, batch_size, build_network(model, batch_size, sequence_length), device, precision)
    ]
    return Profile.from_table(pa.Table.from_pylist(rows), _footer(device, sequence_length, precision))


def _problems(
    gpu_name: str, models: list[str], batch_sizes: list[int], sequence_length: int, precision: str
) -> list[str]:
    problems: list[str] = []
    for name, find in [(gpu_name, find_gpu), *((model, lambda model: build_network(model, 1)) for model in models)]:
        try:
            find(name)
        except ProfileError as error:
            problems.extend(error.problems)
    if not models:
        problems.append("models: none named; name at least one, 'isim list models' shows them")
    if not batch_sizes or batch_sizes[0] < 1:
        found = batch_sizes[0] if batch_sizes else "none"
        problems.append(f"batch sizes: a batch holds at least one sample (found {found}); name sizes such as 1,2,4,8")
    if not 1 <= sequence_length <= MAX_SEQUENCE_LENGTH:
        problems.append(f"sequence length: not 1 to {MAX_SEQUENCE_LENGTH} tokens (found {sequence_length}); change it")
    if precision not in get_args(roofline.Precision):
        problems.append(f"precision: unknown (found {precision!r}); choose fp16 or fp32")
    return problems


def _batch(
    model: str, batch_size: int, network: Network, device: Gpu, precision: roofline.Precision
) -> list[dict[str, Any]]:
    rows = [_copy("memcpy_h2d", "input", network.input_bytes, device)]
    for operation in network.operations:
        estimate = roofline.estimate_kernel(operation, device, precision)
        rows.append(
            {
                "kind": "kernel",
                "name": operation.name,
                "duration_ns": estimate.duration_ns,
                "sm": estimate.sm,
                "memory": max(estimate.l2, estimate.dram),
                "tensor": estimate.tensor,
                "l2": estimate.l2,
                "dram": estimate.dram,
                "pcie": 0.0,
                "sm_needed": estimate.sm_needed,
                "grid": estimate.grid,
                "block": _THREADS_PER_BLOCK,
            }
        )
    rows.append(_copy("memcpy_d2h", "output", network.output_bytes, device))
    common = {"model": model, "batch_size": batch_size, "sm_share": 1.0, "gap_ns": _LAUNCH_GAP_NS}
    return [{**_EMPTY, **common, "position": position, **row} for position, row in enumerate(rows)]


# Table.from_pylist takes its columns from the first row, which is a copy: name those only kernels have.
_EMPTY: dict[str, Any] = {"grid": None, "block": None, "bytes": None, "sm_needed": None}


def _copy(kind: str, name: str, size_bytes: int, device: Gpu) -> dict[str, Any]:
    duration_s = size_bytes / (device.pcie_bytes_per_s * _PCIE_EFFICIENCY) + _COPY_START_NS * 1e-9
    dram = size_bytes / device.dram_bytes_per_s / duration_s
    return {
        "kind": kind,
        "name": name,
        "duration_ns": round(duration_s * 1e9),
        "sm": 0.0,
        "memory": dram,
        "tensor": 0.0,
        "l2": size_bytes / device.l2_bytes_per_s / duration_s,
        "dram": dram,
        "pcie": size_bytes / device.pcie_bytes_per_s / duration_s,
        "bytes": size_bytes,
    }


def _footer(device: Gpu, sequence_length: int, precision: str) -> dict[str, Any]:
    return {
        "origin": "analytic",
        "backend": "analytic",
        "device": {name: getattr(device, name) for name in Gpu.__slots__},
        "versions": {"isim": __version__},
        "precision": precision,
        "sequence_length": sequence_length,
        "method": "roofline over layer shapes: the slowest of compute, L2 and DRAM; nothing was measured",
        "efficiency": {
            **roofline.COMPUTE_EFFICIENCY,
            "half_efficient_tile": roofline.HALF_EFFICIENT_TILE,
            "dram": roofline.DRAM_EFFICIENCY,
            "l2": roofline.L2_EFFICIENCY,
            "pcie": _PCIE_EFFICIENCY,
        },
        "kernel_start_ns": roofline.START_NS,
        "launch_gap_ns": _LAUNCH_GAP_NS,
        "copy_start_ns": _COPY_START_NS,
        "source": "data sheets of the GPU makers and the papers of the networks",
        "licence": "Apache-2.0",
    }
