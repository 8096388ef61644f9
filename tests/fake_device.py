"""A device in virtual time: durations, slowdowns, launch gaps and throttling are planted, so a test knows the truth."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isim.profiler.device.contract import Bench, Kernel, KernelCounters, Repetition
from isim.profiler.telemetry import Sample, Telemetry

CLOCK_MHZ = 1980.0


@dataclass(eq=False)
class FakeWorkload:
    model: str
    batch_size: int
    kernels_ns: tuple[int, ...]
    launched: int = 0
    closed: bool = False

    def run(self, stream: Any) -> None:
        raise AssertionError("the device runs it")

    def close(self) -> None:
        self.closed = True


@dataclass(eq=False)
class FakeEvent:
    device: "FakeDevice"
    at_ns: int | None = None

    def done(self) -> bool:
        return self.at_ns is not None

    def time_ns(self) -> int:
        self.device.wait_any([self])
        assert self.at_ns is not None
        return self.at_ns


@dataclass(eq=False)
class Work:
    workload: FakeWorkload
    number: int
    gap_ns: int
    left_ns: float
    begin_ns: int | None = None


@dataclass(eq=False)
class FakeStream:
    index: int
    items: deque[Work | FakeEvent] = field(default_factory=deque)


class FakeDevice:
    """Run planted kernels; `slowdowns` of (model, beside) hold while both run, gaps are never slowed."""

    spec = "fake"
    sharings = ("streams",)

    def __init__(
        self,
        models: Mapping[str, Sequence[int]],
        slowdowns: Mapping[tuple[str, str], float] | None = None,
        gap_ns: int = 0,
        throttled: Callable[[int], bool] = lambda number: False,
        factor: Callable[[int], float] | None = None,
        dies_at: int | None = None,
    ) -> None:
        self.models, self.slowdowns, self.gap_ns = models, slowdowns or {}, gap_ns
        self.throttled, self.dies_at = throttled, dies_at
        self.factor = factor or (lambda number: 1.5 if throttled(number) else 1.0)
        self.time = 0
        self.launches = 0
        self.streams: dict[int, FakeStream] = {}
        self.loaded: list[FakeWorkload] = []
        self.ran: list[tuple[int, int, bool]] = []  # begin, finish, throttled
        self.closed = False

    def facts(self) -> dict[str, Any]:
        return {"name": "fake"}

    def environment(self, sharing: str, sm_share: float) -> dict[str, str]:
        return {}

    def load(self, model: str, batch_size: int) -> FakeWorkload:
        self.loaded.append(FakeWorkload(model, batch_size, tuple(ns * batch_size for ns in self.models[model])))
        return self.loaded[-1]

    def stream(self, index: int) -> FakeStream:
        return self.streams.setdefault(index, FakeStream(index))

    def launch(self, workload: FakeWorkload, stream: FakeStream) -> None:
        self.launches += 1
        if self.launches == self.dies_at:
            raise KeyboardInterrupt
        duration_ns = sum(workload.kernels_ns) * self.factor(workload.launched)
        stream.items.append(Work(workload, workload.launched, self.gap_ns, duration_ns))
        workload.launched += 1
        self._pass(0)

    def record(self, stream: FakeStream) -> FakeEvent:
        event = FakeEvent(self)
        stream.items.append(event)
        self._pass(0)
        return event

    def wait_any(self, events: Sequence[FakeEvent]) -> None:
        while not any(event.done() for event in events):
            self._pass(min(self._next_ns(work) for work in self._heads()))

    def synchronise(self) -> None:
        while heads := self._heads():
            self._pass(min(self._next_ns(work) for work in heads))

    def now_ns(self) -> int:
        return self.time

    def sleep(self, seconds: float) -> None:
        until_ns = self.time + max(1, round(seconds * 1e9))
        while heads := self._heads():
            step_ns = min(self._next_ns(work) for work in heads)
            if self.time + step_ns > until_ns:
                break
            self._pass(step_ns)
        self._pass(until_ns - self.time)

    def close(self) -> None:
        self.closed = True

    def _heads(self) -> list[Work]:
        return [stream.items[0] for stream in self.streams.values() if stream.items]  # type: ignore[misc]

    def _slowdown(self, work: Work) -> float:
        beside = [head.workload.model for head in self._heads() if head is not work and not head.gap_ns]
        factor = 1.0
        for other in beside:
            factor *= self.slowdowns.get((work.workload.model, other), 1.0)
        return factor

    def _next_ns(self, work: Work) -> int:
        return work.gap_ns or max(1, round(work.left_ns * self._slowdown(work)))

    def _pass(self, step_ns: int) -> None:
        heads = self._heads() if step_ns else []
        slowdowns = [self._slowdown(work) for work in heads]
        self.time += step_ns
        for work, slowdown in zip(heads, slowdowns, strict=True):
            if work.begin_ns is None:
                work.begin_ns = self.time - step_ns
            if work.gap_ns:
                work.gap_ns -= step_ns
            else:
                work.left_ns -= step_ns / slowdown
        for stream in self.streams.values():
            while stream.items:
                item = stream.items[0]
                if isinstance(item, FakeEvent):
                    item.at_ns = self.time
                elif item.left_ns < 0.5:
                    assert item.begin_ns is not None
                    self.ran.append((item.begin_ns, self.time, self.throttled(item.number)))
                else:
                    break
                stream.items.popleft()


class FakeRecorder:
    """Record the planted kernels, each `overhead` longer, `gap_ns` before each."""

    name = "fake recorder"

    def __init__(self, device: FakeDevice, overhead: float = 0.0) -> None:
        self.device, self.overhead = device, overhead

    def record(self, workload: FakeWorkload, repetitions: int) -> list[Repetition]:
        result = []
        for _ in range(repetitions):
            self.device.sleep(2e-6)
            begin_ns = self.device.time
            self.device.launch(workload, self.device.stream(0))
            self.device.synchronise()
            at_ns, kernels = begin_ns + self.device.gap_ns, []
            for number, kernel_ns in enumerate(workload.kernels_ns):
                finish_ns = at_ns + round(kernel_ns * (1 + self.overhead))
                kernels.append(Kernel(f"kernel{number}", at_ns, finish_ns, grid=80, block=256))
                at_ns = finish_ns
            result.append(Repetition(begin_ns, at_ns, tuple(kernels)))
        return result


class FakeCounters:
    """Count one kernel's SMs."""

    name = "fake counters"
    settings: Mapping[str, Any] = {"cache_control": "none"}

    def measure(self, workload: FakeWorkload) -> list[KernelCounters]:
        return [KernelCounters("kernel0", 80, 256, {"sm": 0.5})]


class FakeTelemetry:
    """Sample at every mark, and right before, within and right after everything that ran."""

    def __init__(self, device: FakeDevice, reasons: int = 0x4, throttled_mhz: float = CLOCK_MHZ) -> None:
        self.device, self.reasons, self.throttled_mhz = device, reasons, throttled_mhz
        self.marks: list[Sample] = []
        self.running = False

    def start(self) -> None:
        assert not self.running
        self.running = True
        self.marks.clear()
        self.device.ran.clear()

    def mark(self) -> Sample:
        assert self.running
        self.device.sleep(1e-6)  # asking takes time
        self.marks.append(Sample(self.device.time, sm_clock_mhz=CLOCK_MHZ, throttle_reasons=0))
        self.device.sleep(1e-6)
        return self.marks[-1]

    def stop(self) -> Telemetry:
        assert self.running
        self.running = False
        samples = list(self.marks)
        for begin, finish, throttled in self.device.ran:
            samples += [Sample(time, CLOCK_MHZ, throttle_reasons=0) for time in (begin - 1, finish + 1)]
            clock_mhz, reasons = (self.throttled_mhz, self.reasons) if throttled else (CLOCK_MHZ, 0)
            samples.append(Sample((begin + finish) // 2, clock_mhz, throttle_reasons=reasons))
        return Telemetry.from_samples(samples)


def fake_bench(device: FakeDevice, overhead: float = 0.0, **telemetry: Any) -> Bench:
    """Return the device with a recorder and telemetry."""
    return Bench(device, FakeRecorder(device, overhead), None, FakeTelemetry(device, **telemetry))
