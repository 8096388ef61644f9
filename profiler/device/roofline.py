"""How long one kernel takes on a GPU, from its shapes alone: the slowest of compute, L2 and DRAM, plus its start.

A matrix product is cut into tiles of its output, one block a tile. Small tiles cost efficiency, large ones leave SMs
without any: as an engine that times its kernels when it is built would, the fastest of the tilings below is taken,
including those that split the depth among several blocks.
"""

import math
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Literal

from isim.profiler.device.gpus import Gpu
from isim.profiler.networks.operation import Operation

Precision = Literal["fp16", "fp32"]

# The efficiencies are round numbers, not fits: see docs/analytic-profiles.md for what they give against measurements.
# Share of peak arithmetic that an unlimited tile reaches; softmax stands between the two products of attention.
COMPUTE_EFFICIENCY = MappingProxyType({"gemm": 0.95, "attention": 0.4, "depthwise": 0.4, "pointwise": 0.4})
# An m x n tile loads m + n numbers for m * n multiply-adds: one of m n / (m + n) = 16 spends half its time loading.
HALF_EFFICIENT_TILE = 16
DRAM_EFFICIENCY = 0.85
L2_EFFICIENCY = 0.7
# A kernel that does nothing takes 2 to 3 us (2.2 to 3.4 us for the smallest in the V100 tables).
START_NS = 2000
# An SM reads at most this much from L2 a clock, so that a few SMs cannot use all of its bandwidth.
SM_PORT_BYTES_PER_CLOCK = 64

_TILES = ((256, 128), (128, 256), (128, 128), (128, 64), (64, 128), (64, 64), (64, 32), (32, 64), (32, 32))
_SPLITS = (1, 2, 4, 8, 16)
_MIN_SPLIT_DEPTH = 128
_ATTENTION_ROWS = 64  # queries of a head that one block works on
_STREAM_BLOCK_OUTPUTS = 1024  # of a pointwise or depthwise kernel: 256 threads, 4 outputs each


@dataclass(frozen=True, slots=True)
class KernelEstimate:
    """What a kernel takes: time in ns, shares of peak while it runs, share of the SMs it can fill, and its blocks."""

    duration_ns: int
    sm: float
    tensor: float
    l2: float
    dram: float
    sm_needed: float
    grid: int


@dataclass(frozen=True, slots=True)
class _Tiling:
    blocks: int
    flops_per_block: float
    efficiency: float
    l2_bytes: float


def estimate_kernel(operation: Operation, gpu: Gpu, precision: Precision) -> KernelEstimate:
    """Estimate one kernel that runs alone.

    Examples
    --------
    >>> from isim.profiler.device.gpus import find_gpu
    >>> square = Operation("square", "gemm", 4096, 4096, 4096, inputs=2**24, outputs=2**24, weights_read=2**24)
    >>> estimate_kernel(square, find_gpu("V100"), "fp16").duration_ns
    1420876
    """
    size = 2 if precision == "fp16" else 4
    estimates = (_timed(operation, tiling, gpu, size) for tiling in _tilings(operation, size))
    return min(estimates, key=lambda estimate: estimate.duration_ns)


def _timed(operation: Operation, tiling: _Tiling, gpu: Gpu, element_bytes: int) -> KernelEstimate:
    on_tensor = element_bytes == 2 and operation.kind in ("gemm", "attention")
    peak_flops = gpu.tensor_flops if on_tensor else gpu.fp32_flops
    attainable_flops = peak_flops * tiling.efficiency
    active_sms = min(tiling.blocks, gpu.sms)
    # Blocks of one SM hide each other's latency; the last has nothing to hide behind, which costs about one block more.
    blocks_per_sm = math.ceil(tiling.blocks / gpu.sms) + 1
    compute_s = blocks_per_sm * tiling.flops_per_block * gpu.sms / attainable_flops

    # Weights and outputs pass DRAM once, inputs unless the kernel before left them in half of the L2 cache.
    inputs_bytes = max(0.0, operation.inputs * element_bytes - gpu.l2_bytes / 2)
    dram_bytes = inputs_bytes + (operation.weights_read + operation.outputs) * element_bytes
    dram_s = dram_bytes / (gpu.dram_bytes_per_s * DRAM_EFFICIENCY)

    ports_bytes_per_s = active_sms * SM_PORT_BYTES_PER_CLOCK * gpu.clock_mhz * 1e6
    l2_s = tiling.l2_bytes / (min(gpu.l2_bytes_per_s, ports_bytes_per_s) * L2_EFFICIENCY)

    duration_s = max(compute_s, dram_s, l2_s) + START_NS * 1e-9
    flops = tiling.blocks * tiling.flops_per_block
    return KernelEstimate(
        duration_ns=round(duration_s * 1e9),
        # What keeps a tile from peak arithmetic (loads, shared memory, issue) is a limit of the SM itself, so an SM at
        # its attainable rate is full, as in the counters of a profiler.
        sm=flops / attainable_flops / duration_s,
        tensor=flops / peak_flops / duration_s if on_tensor else 0.0,
        l2=tiling.l2_bytes / gpu.l2_bytes_per_s / duration_s,
        dram=dram_bytes / gpu.dram_bytes_per_s / duration_s,
        sm_needed=active_sms / gpu.sms,
        grid=tiling.blocks,
    )


def _tilings(operation: Operation, element_bytes: int) -> list[_Tiling]:
    if operation.kind == "gemm":
        return _gemm_tilings(operation, element_bytes)
    efficiency = COMPUTE_EFFICIENCY[operation.kind]
    if operation.kind == "attention":
        blocks = operation.copies * math.ceil(operation.rows / _ATTENTION_ROWS)
        flops = 2.0 * _ATTENTION_ROWS * operation.columns * operation.depth
        # Every block reads its queries and all keys and values (the depth is twice the keys), and writes its outputs.
        moved = blocks * (2 * _ATTENTION_ROWS + operation.depth) * operation.columns
    else:
        blocks = math.ceil(operation.rows / _STREAM_BLOCK_OUTPUTS)
        flops = 2.0 * operation.rows * operation.depth / blocks
        moved = operation.inputs + operation.outputs + operation.weights_read
    return [_Tiling(blocks, flops, efficiency, moved * element_bytes)]


def _gemm_tilings(operation: Operation, element_bytes: int) -> list[_Tiling]:
    tilings = []
    for (rows, columns), split in product(_TILES, _SPLITS):
        if split > 1 and operation.depth < split * _MIN_SPLIT_DEPTH:
            continue
        tiles = operation.copies * math.ceil(operation.rows / rows) * math.ceil(operation.columns / columns)
        flops = 2.0 * rows * columns * math.ceil(operation.depth / split)
        intensity = rows * columns / (rows + columns)
        efficiency = COMPUTE_EFFICIENCY["gemm"] * intensity / (intensity + HALF_EFFICIENT_TILE)
        read_bytes = tiles * (rows + columns) * operation.depth * element_bytes
        partial_sums_bytes = 2 * 4 * split * operation.outputs if split > 1 else 0  # written and read back in FP32
        l2_bytes = read_bytes + operation.outputs * element_bytes + partial_sums_bytes
        tilings.append(_Tiling(tiles * split, flops, efficiency, l2_bytes))
    return tilings
