"""Replay measured pairs of inference workloads on a V100 through the engine, and compare the slowdowns.

Measured: KACE (SoCC'24) and PEACE, PyTorch FP32 under MPS at 100 %, every process running batches back to back. Kernel
tables hold one row a kernel; the batch period alone is the measured solo one, of which what exceeds the kernels is time
of the host. KACE's solo throughputs of wav2vec2 are stale (one exceeds the kernels' bound), so PEACE's are used there.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from isim.calibration.mixes import Mix
from isim.calibration.replay import Process, replay
from isim.contention.contract import ContentionModel
from isim.operations import Operations
from isim.profiler.importers.combine import combine_kernel_tables
from isim.profiler.importers.kernel_table import read_kernel_table
from isim.profiler.profile import Profile

COLUMNS = {
    "name": "kernel",
    "duration": "duration_us",
    "sm": "sm_throughput_pct",
    "memory": "memory_throughput_pct",
    "dram": "dram_throughput_pct",
    "grid": "grid_size",
    "block": "block_size",
    "registers": "regs_per_thread",
    "segment": "segment",
    "repeats": "segment_repeats",
}


@dataclass(frozen=True)
class Workload:
    """One process: a model at a batch size, and the period of its batches when alone."""

    model: str
    batch_size: int
    solo_s: float


@dataclass(frozen=True)
class Member:
    """One side of a measured pair."""

    workload: str
    co_runner: str
    measured: float
    """Solo / co-located throughput."""
    simulated: float = float("nan")

    @property
    def error(self) -> float:
        """Absolute error of the slowdown, relative to the measured one."""
        return abs(self.simulated - self.measured) / self.measured


def read_workloads(data: Path) -> dict[str, Workload]:
    """Return every workload that has a kernel table."""
    table = pd.read_csv(data / "gpu/v100-kace/kernel_summary.csv")
    workloads = {}
    for row in table.itertuples():
        model, batch = row.workload.removesuffix("-inf").split("_batch")
        solo_rps = row.PEACE_solo_samples_per_s if model.startswith("wav2vec2") else row.KACE_solo_samples_per_s
        workloads[row.workload] = Workload(model, int(batch), int(batch) / solo_rps)
    return workloads


def read_profile(data: Path, workloads: dict[str, Workload], grids: bool = False) -> Profile:
    """Import the kernel tables, each scaled to its measured solo period.

    With `grids`, `sm_needed` is computed from grid, block and registers; the tables lack shared memory.
    """
    tables = [
        read_kernel_table(
            data / f"gpu/v100-kace/kernels/{name}.csv",
            workload.model,
            workload.batch_size,
            columns=COLUMNS,
            duration_unit="us",
            utilisation_unit="percent",
            solo_period_s=workload.solo_s,
        )
        for name, workload in workloads.items()
    ]
    if grids:
        tables = [
            replace(each, rows=tuple({**row, "sm_needed": _sm_needed(row)} for row in each.rows)) for each in tables
        ]
    return combine_kernel_tables(tables, device="V100-SXM2-32GB")


def _sm_needed(row: Mapping[str, Any]) -> float:
    """Return the share of a V100's 80 SMs that a grid fills: 64 warps, 32 blocks and 65,536 registers each."""
    counts = (re.findall(r"\d+", str(row[name])) for name in ("grid", "block"))
    blocks, threads = (math.prod(map(int, each)) for each in counts)
    warps = -(-threads // 32)
    registers = -(-int(row["registers"]) // 8) * 8 * 32 * warps
    return min(1.0, blocks / (80 * max(1, min(32, 64 // warps, 65_536 // registers))))


def read_mixes(data: Path, workloads: dict[str, Workload]) -> list[Mix]:
    """Return the labelled pairs with their measured slowdowns."""
    return [
        Mix(
            number,
            tuple(Process(each.model, each.batch_size) for each in (workloads[member.workload] for member in pair)),
            tuple(member.measured for member in pair),
        )
        for number, pair in enumerate(read_pairs(data, workloads))
    ]


def read_pairs(data: Path, workloads: dict[str, Workload]) -> list[tuple[Member, Member]]:
    """Return the labelled pairs whose members both have a kernel table."""
    table = pd.read_csv(data / "gpu/v100-kace/labelled_pairs.csv")
    pairs = []
    for row in table.itertuples():
        names = (row.workload1, row.workload2)
        if not all(name in workloads for name in names):
            continue
        first, second = (
            workloads[name].batch_size / workloads[name].solo_s / throughput
            for name, throughput in zip(names, (row.w1throughput, row.w2throughput), strict=True)
        )
        pairs.append((Member(names[0], names[1], first), Member(names[1], names[0], second)))
    return pairs


def compare(data: Path, contention: ContentionModel) -> list[Member]:
    """Replay every pair and return both sides of each, measured and simulated."""
    workloads = read_workloads(data)
    profile = read_profile(data, workloads)
    operations = Operations(profile, profile.models)
    rows = []
    for pair in read_pairs(data, workloads):
        processes = [workloads[member.workload] for member in pair]
        simulated = replay(operations, [Process(each.model, each.batch_size) for each in processes], contention)
        rows += [
            Member(member.workload, member.co_runner, member.measured, slowdown)
            for member, slowdown in zip(pair, simulated, strict=True)
        ]
    return rows


def repeatability(data: Path) -> list[float]:
    """Return how far repeats of one measurement in one campaign differ: largest / smallest throughput - 1, sorted."""
    table = pd.read_csv(data / "gpu/v100-kace/pairs.csv")
    table = table[(table.sharing == "mps") & table.throughput_colocated.notna()]
    table = table[table.mps == "100:100"]
    pair = table.members.str.split("|").map(lambda names: tuple(sorted(names)))  # it stands in either order
    groups = table.assign(pair=pair).groupby(["pair", "workload"])
    throughput = groups.throughput_colocated
    repeated = groups.experiment.nunique() > 1
    return sorted(float(value) for value in (throughput.max() / throughput.min() - 1)[repeated])
