"""Replay kernels that use one resource each, measured on a V100 or run by a cycle-level simulator.

Measured: gpu-util-interference (MIT), V100: two kernels at once that sleep, copy within L2, copy within DRAM, or run
chains of dependent multiply-adds. Simulated: GPGPU-Sim, RTX 2060: grids of 15 and of 60 blocks that copy or compute.

No counters were recorded. What a kernel asks follows from its launch: the share of the SMs that its grid fills; its
bandwidth alone / the most that any run of that benchmark reached; the chains that are in flight / the two that fill a
pipe. No parameter is fitted here.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from isim.contention.contract import ContentionModel
from isim.engine.batch import Batch
from isim.engine.simulation import Simulation
from isim.operations import Operations
from isim.policies.fcfs import Fcfs
from isim.policies.policy import Overlap, Request
from isim.profiler.profile import Profile
from isim.traces.trace import Trace
from isim.workload import Replay

WITHIN = 0.15
SLOWED = 1.1
"""From here on a kernel counts as slowed."""
_SMS, _THREADS, _BLOCKS = 80, 2048, 32
"""SMs of a V100; threads and blocks that one holds."""


class Kernel(NamedTuple):
    """A kernel alone: how long it takes, in the unit of its source, and what it asks of the GPU (0..1)."""

    duration: float
    sm_needed: float
    sm: float = 0.0
    l2: float = 0.0
    dram: float = 0.0


class Case(NamedTuple):
    """Kernels that start together, in this order, and after what time each had finished."""

    source: str
    what: str
    kernels: tuple[Kernel, ...]
    finishes: tuple[float, ...]
    """In the unit of the durations; where there is one, it is that of the last kernel to finish."""


class Outcome(NamedTuple):
    """When the kernels of a case had finished, relative to the longest of them alone."""

    case: Case
    measured: tuple[float, ...]
    simulated: tuple[float, ...]

    @property
    def error(self) -> float:
        """The worst absolute error, relative to the measured value."""
        return max(abs(s / m - 1) for m, s in zip(self.measured, self.simulated, strict=True))

    @property
    def right_sign(self) -> bool:
        """Whether each kernel is slowed where it was, and not where it was not."""
        return all((m >= SLOWED) == (s >= SLOWED) for m, s in zip(self.measured, self.simulated, strict=True))


class _Finishes:
    """Keep when the batch of each model finished."""

    def __init__(self) -> None:
        self.finished_s: dict[str, float] = {}

    def arrived(self, request: Request) -> None: ...
    def ended(self, requests: tuple[Request, ...], how: Batch | int) -> None: ...
    def overlap(self, gpu: int, overlap: Overlap) -> None: ...
    def still_resident(self, batch: Batch) -> None: ...

    def batch(self, batch: Batch) -> None:
        self.finished_s[batch.model] = batch.finished_s


def replayed(case: Case, contention: ContentionModel) -> Outcome:
    """Let the kernels of a case start at once on one simulated GPU; the longest alone takes 10 ms."""
    longest = max(kernel.duration for kernel in case.kernels)
    names = [f"kernel {i}" for i in range(len(case.kernels))]
    rows = [
        {"model": name, "batch_size": 1, "sm_share": 1.0, "position": 0, "kind": "kernel", "name": case.what,
         "gap_ns": 0, **kernel._asdict(), "duration_ns": round(1e7 * kernel.duration / longest)}
        for name, kernel in zip(names, case.kernels, strict=True)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows).drop_columns("duration")
    operations = Operations(Profile.from_table(table, {"origin": "imported"}), names)
    trace = Trace.from_columns(arrival_ns=[0] * len(names), model=names)
    listener = _Finishes()
    Simulation(operations, Replay(trace), Fcfs(), contention, len(names), listener).run()
    simulated = tuple(100 * listener.finished_s[name] for name in names)
    measured = tuple(finish / longest for finish in case.finishes)
    return Outcome(case, measured, simulated if len(measured) > 1 else (max(simulated),))


def cases(data: Path) -> list[Case]:
    """Return every benchmark whose demands follow from its launch."""
    silicon = data / "gpu" / "v100-microbenchmarks"
    found = [*_sleeps(silicon), *_dram(silicon), *_l2(silicon), *_memory_and_compute(silicon), *_pipes(silicon)]
    return found + list(_simulator(data / "gpu" / "simulated-gpgpusim"))


def _filled(blocks: int, threads: int) -> float:
    return min(1.0, blocks / (_SMS * min(_THREADS // threads, _BLOCKS)))


def _averages_ms(folder: Path, file: str) -> list[float]:
    text = (folder / file).read_text(encoding="utf-8")
    return [float(value) for value in re.findall(r"Avg \w+ time is ([\d.]+) ms", text)]


def _sleeps(folder: Path) -> Iterator[Case]:
    figures = _averages_ms(folder, "inter_sm-thread_block_scheduler.md")
    for blocks, what, (alone, _, both) in ((80, "half", figures[:3]), (160, "full", figures[3:])):
        yield Case("V100", f"sleep beside sleep, {what} grids", (Kernel(alone, _filled(blocks, 1024)),) * 2, (both,))


def _dram(folder: Path) -> Iterator[Case]:
    """Two processes, each on 40 SMs of its own, copy without end; repetitions are equal, so that one will do."""
    text = (folder / "inter_sm-memory_bandwidth.md").read_text(encoding="utf-8")
    rates = [float(value) for value in re.findall(r"Average achieved bandwidth is ([\d.]+) GB/S", text)]
    pairs = list(zip(rates[1::3], rates[2::3], strict=True))
    peak = max(sum(pair) for pair in pairs)
    for blocks, alone, pair in zip((40, 80, 120, 160), rates[::3], pairs, strict=True):
        copy = Kernel(1 / alone, 0.5, dram=alone / peak)
        yield Case("V100", f"DRAM copy beside DRAM copy, {blocks} blocks", (copy, copy), (2 / sum(pair),))


def _l2(folder: Path) -> Iterator[Case]:
    """Copies of 1 to 3 MB, which fit into the 6 MB of L2 two at a time; of larger ones nothing says what they ask."""
    figures = _averages_ms(folder, "inter_sm-l2_cache.md")
    runs = [(size, figures[2 * size - 2], figures[2 * size - 1]) for size in (1, 2, 3)]
    peak = max(2 * size / both for size, _, both in runs)
    for size, alone, both in runs:
        copy = Kernel(alone, _filled(40, 1024), l2=size / alone / peak)
        yield Case("V100", f"L2 copy beside L2 copy, {size} MB", (copy, copy), (both,))


def _memory_and_compute(folder: Path) -> Iterator[Case]:
    """80 blocks copy: they reached 0.93 of the peak in the benchmark of DRAM."""
    copy, compute, _, both = _averages_ms(folder, "intra_sm-ipc.md")
    kernels = Kernel(copy, _filled(80, 1024), dram=0.93), Kernel(compute, _filled(80, 128), sm=1.0)
    yield Case("V100", "DRAM copy beside multiply-adds", kernels, (both,))


def _pipes(folder: Path) -> Iterator[Case]:
    """One warp a scheduler: a chain of dependent multiply-adds fills half of the pipe, two fill it."""
    figures = _averages_ms(folder, "intra_sm-pipelines.md")
    for chains, (in_turn, both) in enumerate(zip(figures[::2], figures[1::2], strict=True), 1):
        kernel = Kernel(in_turn / 2, _filled(80, 128), sm=min(1.0, chains / 2))
        yield Case("V100", f"multiply-adds beside multiply-adds, {chains} chains", (kernel, kernel), (both,))


def _simulator(folder: Path) -> Iterator[Case]:
    """An SM takes blocks of one kernel at a time: 15 blocks fill half of the 30 SMs, 60 all."""

    def runs(blocks: int, mix: str) -> list[tuple[int, int]]:
        text = (folder / f"SM75_RTX2060_{blocks}blocks_{mix}.txt").read_text(encoding="utf-8")
        found = re.findall(r"ISIM_KERNEL .*launch=(\d) start=(\d+) end=(\d+)", text)
        return [(int(start), int(end)) for _, start, end in sorted(found)]

    def alone(blocks: int, letter: str) -> int:
        ((start, end),) = runs(blocks, letter)
        return end - start

    words = {"c": "compute", "m": "copy"}
    for blocks, what in ((15, "half"), (60, "full")):
        share = min(1.0, blocks / 30)
        kernels = {
            # All copies move the same bytes, and 60 blocks are as fast as memory is.
            "m": Kernel(alone(blocks, "m"), share, dram=alone(60, "m") / alone(blocks, "m")),
            "c": Kernel(alone(blocks, "c"), share, sm=share),
        }
        for mix in ("cc", "mc", "mm"):
            both = runs(blocks, mix)
            finishes = tuple(float(end - both[0][0]) for _, end in both)
            name = " beside ".join(words[letter] for letter in mix)
            yield Case("GPGPU-Sim", f"{name}, {what} grids", (kernels[mix[0]], kernels[mix[1]]), finishes)
