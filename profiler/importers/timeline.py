"""What ran on a GPU when, as a file of a tracing profiler gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from isim.profiler.device.contract import Kernel
from isim.profiler.overlap import Ints

Thread = tuple[int, int]  # the process and its thread, as the file numbers them


@dataclass(frozen=True, slots=True)
class Launched:
    """One operation of the GPU, and the call that launched it; None where the file does not say.

    Parameters
    ----------
    gpu, process
        Number of the GPU, and of the process on the host.
    order
        Number of the launch within its process; operations of one launch share it.
    launched_ns, thread
        When the launch was called, on the kernels' clock, and on which thread of which process.
    """

    kernel: Kernel
    gpu: int = 0
    process: int | None = None
    order: int | None = None
    launched_ns: int | None = None
    thread: Thread | None = None


class Range(NamedTuple):
    """A stretch of time on a thread of the host that the program gave a name."""

    name: str
    start_ns: int
    finish_ns: int
    thread: Thread


@dataclass(frozen=True, slots=True)
class Timeline:
    """Hold the operations in launch order, the named ranges in order of their start, and what the file says of itself.

    Parameters
    ----------
    where
        What errors call the file.
    devices
        Facts of each GPU by its number: `name`, `sms`.
    facts
        What the footer of a profile keeps: file, SHA-256, versions, resolution of the clock in ns.

    Examples
    --------
    >>> operations = (Launched(Kernel("gemm", 5, 9)),)
    >>> timeline = Timeline("t.json", operations, (), {0: {"name": "L4"}}, {"resolution_ns": 1000})
    >>> timeline.resolution_ns, timeline.devices[0]["name"]
    (1000, 'L4')
    """

    where: str
    operations: tuple[Launched, ...]
    ranges: tuple[Range, ...]
    devices: Mapping[int, Mapping[str, Any]]
    facts: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    @property
    def resolution_ns(self) -> int:
        """The step of the file's clock: times that differ by less are equal."""
        return int(self.facts.get("resolution_ns", 1))


def in_launch_order(operations: list[Launched]) -> tuple[Launched, ...]:
    """Sort by number of the launch where all have one and are of one process, else by start.

    On one stream both are the same. On several, the launches keep their order from one repetition to the next.

    Examples
    --------
    >>> late, early = Launched(Kernel("gemm", 5, 9), order=1), Launched(Kernel("add", 2, 4, stream=1), order=2)
    >>> [operation.kernel.name for operation in in_launch_order([early, late])]
    ['gemm', 'add']
    """
    numbered = all(operation.order is not None for operation in operations)
    if numbered and len({operation.process for operation in operations}) <= 1:
        return tuple(sorted(operations, key=lambda one: (one.order, one.kernel.start_ns, one.kernel.finish_ns)))
    return tuple(sorted(operations, key=lambda one: (one.kernel.start_ns, one.kernel.finish_ns)))


def times_ns(operations: "tuple[Launched, ...] | list[Launched]") -> tuple[Ints, Ints, Ints]:
    """Return starts, finishes and numbers of the streams; streams of different processes have different numbers.

    Examples
    --------
    >>> operations = [Launched(Kernel("gemm", 5, 9)), Launched(Kernel("add", 7, 8, stream=3))]
    >>> [column.tolist() for column in times_ns(operations)]
    [[5, 7], [9, 8], [0, 1]]
    """
    numbers: dict[tuple[int, int | None, int], int] = {}
    streams = [numbers.setdefault((one.gpu, one.process, one.kernel.stream), len(numbers)) for one in operations]
    return (
        np.array([one.kernel.start_ns for one in operations], dtype=np.int64),
        np.array([one.kernel.finish_ns for one in operations], dtype=np.int64),
        np.array(streams, dtype=np.int64),
    )
