"""What the measurements need of a device, and nothing else: these Protocols are all they know of it.

Work is queued on streams in order and runs there on its own; events say when a stream came past them. A GPU works so
by itself; a CPU's streams are threads with a queue. All times are of one clock, the host's monotonic one
(`time.monotonic_ns`), so that streams, processes and telemetry can be laid side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from isim.profiler.telemetry import Sample, Telemetry


class Workload(Protocol):
    """One model at one batch size, loaded and ready to run again and again."""

    @property
    def model(self) -> str:
        """What recordings call it."""

    @property
    def batch_size(self) -> int:
        """Samples a batch."""

    def run(self, stream: Any) -> None:
        """Do one batch on the stream of its device; it may return before the work is done."""

    def close(self) -> None:
        """Give back what loading took."""


class Stream(Protocol):
    """A queue of a device: its work runs in order, beside that of other streams."""

    @property
    def index(self) -> int:
        """Which one it is, from 0."""


class Event(Protocol):
    """A mark in a stream."""

    def done(self) -> bool:
        """Whether the stream came past it."""

    def time_ns(self) -> int:
        """Wait for it and return when the stream came past it, on the host's monotonic clock in ns."""


class Device(Protocol):
    """Queue work on streams and learn when it started and finished."""

    @property
    def spec(self) -> str:
        """How a user names it: `cpu`, `cuda:0`; another process opens the same device by it."""

    @property
    def sharings(self) -> tuple[str, ...]:
        """The ways in which its batches can be co-located: of `threads`, `streams`, `processes`, `mps`."""

    def facts(self) -> Mapping[str, Any]:
        """Return name, cores or SMs, clocks, memory, and versions of what drives it, as JSON."""

    def environment(self, sharing: str, sm_share: float) -> Mapping[str, str]:
        """Return what a process must have in its environment to hold this share of the SMs beside others."""

    def load(self, model: str, batch_size: int) -> Workload:
        """Load what the user named; raises ProfileError where that cannot be."""

    def stream(self, index: int) -> Stream:
        """Return the stream of this number, made when first asked for."""

    def launch(self, workload: Workload, stream: Stream) -> None:
        """Queue one batch; raises ProfileError where an earlier one failed."""

    def record(self, stream: Stream) -> Event:
        """Queue a mark behind what the stream holds."""

    def wait_any(self, events: Sequence[Event]) -> None:
        """Return when at least one of the events is done; raises ProfileError where the work failed."""

    def synchronise(self) -> None:
        """Return when all streams are empty."""

    def now_ns(self) -> int:
        """Return the host's monotonic clock."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def close(self) -> None:
        """Give everything back: streams, context, locked clocks; called whatever happened."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One operation as it ran; None where it was not recorded.

    Examples
    --------
    >>> Kernel("gemm", 10, 40, grid=80).kind
    'kernel'
    """

    name: str
    start_ns: int
    finish_ns: int
    kind: str = "kernel"
    stream: int = 0
    grid: int | None = None
    block: int | None = None
    registers: int | None = None
    shared_memory_bytes: int | None = None
    bytes: int | None = None


class Repetition(NamedTuple):
    """One batch as it ran under a recorder: its bounds and its kernels in launch order, on the host's clock."""

    start_ns: int
    finish_ns: int
    kernels: tuple[Kernel, ...]

    def later(self, by_ns: int) -> "Repetition":
        """Return it so much later: on a clock that is so far ahead.

        Examples
        --------
        >>> Repetition(0, 9, ()).later(5)
        Repetition(start_ns=5, finish_ns=14, kernels=())
        """
        kernels = tuple(
            replace(kernel, start_ns=kernel.start_ns + by_ns, finish_ns=kernel.finish_ns + by_ns)
            for kernel in self.kernels
        )
        return Repetition(self.start_ns + by_ns, self.finish_ns + by_ns, kernels)


class KernelRecorder(Protocol):
    """Record what ran when: ONNX Runtime's profiler, torch.profiler, CUPTI, nsys."""

    @property
    def name(self) -> str:
        """What the profile's footer calls it."""

    def record(self, workload: Workload, repetitions: int) -> Sequence[Repetition]:
        """Run the workload alone so many times, after a warm-up of its own, and return every repetition."""


class KernelCounters(NamedTuple):
    """What one kernel of a batch used, as shares 0..1 of the device's peak; None where it was not measured.

    Examples
    --------
    >>> KernelCounters("gemm", 80, 256, {"sm": 0.9, "dram": None}).shares["sm"]
    0.9
    """

    name: str
    grid: int | None
    block: int | None
    shares: Mapping[str, float | None]
    """By column of the profile: sm, memory, tensor, l2, dram, pcie, occupancy, sm_needed."""


class Counters(Protocol):
    """Measure hardware throughputs in a run of their own: counting slows a kernel and serialises it."""

    @property
    def name(self) -> str:
        """What the profile's footer calls it."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """How it counted: cache control, clock control, replay mode; stored in the footer."""

    def measure(self, workload: Workload) -> Sequence[KernelCounters]:
        """Run one batch alone and return its kernels in launch order; raises ProfileError if counting is forbidden."""


class TelemetrySource(Protocol):
    """Sample clocks, power, temperature and throttle reasons beside the measurement."""

    def start(self) -> None:
        """Begin sampling at 20 Hz or more, in the background."""

    def mark(self) -> Sample:
        """Take one sample now and return it: called right before and after each repetition or round."""

    def stop(self) -> Telemetry:
        """End sampling and return everything since `start`, on the host's monotonic clock."""


class Bench(NamedTuple):
    """A device and what can be recorded on it; `open_bench(spec)` of each back-end makes one."""

    device: Device
    recorder: KernelRecorder | None = None
    """None: batches are timed by events only, and a batch is one operation of the profile."""
    counters: Counters | None = None
    telemetry: TelemetrySource | None = None
    notes: tuple[str, ...] = ()
    """What this host cannot record and why; shown to the user and stored in the footer."""
