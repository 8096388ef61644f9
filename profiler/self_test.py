"""Try on the user's own GPU what no test elsewhere can: that streams overlap, and that two ways of measuring agree."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from isim.errors import ProfileError
from isim.profiler.device.contract import Bench, Kernel, Workload
from isim.profiler.device.cuda import CudaDevice
from isim.profiler.device.stressor import compile_kernels

_SPIN_S = 0.01
_REPETITIONS = 20
_AGREEMENT_NS, _AGREEMENT_SHARE = 2000, 0.01
_LOW_DRAM, _HIGH_DRAM = 0.2, 0.5


class Check(NamedTuple):
    """One check: `passed`, `failed` or `skipped`, and why."""

    name: str
    outcome: str
    reason: str


def self_test(bench: Bench, device: CudaDevice) -> Iterator[Check]:
    """Run every check on the bench's device, one after another.

    Parameters
    ----------
    device
        That of the bench.
    """
    yield _checked("streams overlap", lambda: overlap(*_spins(device)))
    if bench.recorder is None:
        yield Check("recorder and events agree", "skipped", "nothing here records kernels one by one")
    else:
        yield _checked("recorder and events agree", lambda: agreement(*_both_ways(bench, device)))
    if bench.counters is None:
        why = next((note for note in bench.notes if "counters" in note), "no counters on this host")
        yield Check("counters are readable", "skipped", why)
        yield Check("L2-resident and streaming kernels differ in DRAM", "skipped", why)
    else:
        yield _checked("counters are readable", lambda: readable(_counted(bench, "stress-fma", "sm")))
        yield _checked(
            "L2-resident and streaming kernels differ in DRAM",
            lambda: dram(_counted(bench, "stress-l2", "dram"), _counted(bench, "stress-dram", "dram")),
        )


def overlap(alone_ns: float, together_ns: float) -> tuple[bool, str]:
    """Judge how long two equal kernels take on two streams.

    Examples
    --------
    >>> overlap(10_000_000, 10_050_000)
    (True, 'one takes 10.00 ms, two on two streams 10.05 ms')
    >>> overlap(10_000_000, 20_000_000)[0]
    False
    """
    return (
        together_ns < 1.5 * alone_ns,
        f"one takes {alone_ns / 1e6:.2f} ms, two on two streams {together_ns / 1e6:.2f} ms",
    )


def agreement(by_events_ns: float, recorded_ns: float) -> tuple[bool, str]:
    """Judge whether events and a recorder say the same of one kernel, within 2 us and 1 %.

    Examples
    --------
    >>> agreement(1_000_000, 1_011_000)
    (True, 'events say 1000.0 us, the recorder 1011.0 us')
    >>> agreement(1_000_000, 1_013_000)[0]
    False
    """
    close = abs(by_events_ns - recorded_ns) <= _AGREEMENT_NS + _AGREEMENT_SHARE * by_events_ns
    return close, f"events say {by_events_ns / 1e3:.1f} us, the recorder {recorded_ns / 1e3:.1f} us"


def readable(sm: float | None) -> tuple[bool, str]:
    """Judge whether counters came with a value.

    Examples
    --------
    >>> readable(0.93), readable(None)
    ((True, 'the SMs issue at 93 % of their peak'), (False, 'no value came'))
    """
    return sm is not None, "no value came" if sm is None else f"the SMs issue at {sm:.0%} of their peak".replace(
        "%", " %"
    )


def dram(resident: float | None, streaming: float | None) -> tuple[bool, str]:
    """Judge the DRAM throughput of a kernel that stays in the L2 cache and of one that streams.

    Examples
    --------
    >>> dram(0.01, 0.91)
    (True, 'DRAM at 1 % of its peak where the buffer stays in L2, at 91 % where it does not')
    >>> dram(0.6, 0.91)[0], dram(None, 0.9)[0]
    (False, False)
    """
    if resident is None or streaming is None:
        return False, "no value came"
    shares = (
        f"{100 * resident:.0f} % of its peak where the buffer stays in L2, at {100 * streaming:.0f} % where it does not"
    )
    return resident < _LOW_DRAM and streaming > _HIGH_DRAM, f"DRAM at {shares}"


def _checked(name: str, judge: Callable[[], tuple[bool, str]]) -> Check:
    try:
        passed, reason = judge()
    except ProfileError as error:
        return Check(name, "failed", str(error))
    return Check(name, "passed" if passed else "failed", reason)


def _spins(device: CudaDevice) -> tuple[float, float]:
    """Return how long one spinning kernel takes, and two of them on two streams."""
    spin = _Spin(device)
    try:
        return spin.span_ns(streams=1), spin.span_ns(streams=2)
    finally:
        spin.close()


def _both_ways(bench: Bench, device: CudaDevice) -> tuple[float, float]:
    """Return the median duration of one kernel by events and as recorded."""
    assert bench.recorder is not None
    spin, workload = _Spin(device), device.load("stress-fma", 1)
    try:
        by_events_ns = [_queued_behind(spin, workload, device) for _ in range(_REPETITIONS)]
        recorded = bench.recorder.record(workload, _REPETITIONS)
    finally:
        workload.close()
        spin.close()
    return float(np.median(by_events_ns)), float(np.median([_longest_ns(one.kernels) for one in recorded]))


def _longest_ns(kernels: tuple[Kernel, ...]) -> int:
    return max(kernel.finish_ns - kernel.start_ns for kernel in kernels)


def _queued_behind(spin: "_Spin", workload: Workload, device: CudaDevice) -> int:
    """Return the time between two events around a batch that waited in the stream, so that no launch is in it."""
    stream = device.stream(0)
    device.launch(spin, stream)
    start = device.record(stream)
    device.launch(workload, stream)
    return -start.time_ns() + device.record(stream).time_ns()


def _counted(bench: Bench, model: str, share: str) -> float | None:
    assert bench.counters is not None
    workload = bench.device.load(model, 1)
    try:
        kernels = bench.counters.measure(workload)
    finally:
        workload.close()
    return next((kernel.shares.get(share) for kernel in kernels if "stress" in kernel.name), None)


class _Spin:
    """A kernel that takes 10 ms and no resource but one block."""

    model, batch_size = "spin", 1

    def __init__(self, device: CudaDevice) -> None:
        self._device = device
        self._cycles = np.int64(device.facts()["sm_clock_mhz"] * 1e6 * _SPIN_S)
        self._module: Any = compile_kernels()
        self._kernel: Any = self._module.get_function("spin")
        self.run(device.stream(0).handle)  # the first launch loads the kernel
        device.synchronise()

    def run(self, stream: Any) -> None:
        self._kernel(self._cycles, block=(32, 1, 1), grid=(1, 1), stream=stream)

    def span_ns(self, streams: int) -> int:
        """Return the time from the first start to the last finish of one kernel a stream."""
        used = [self._device.stream(index) for index in range(streams)]
        marks = []
        for stream in used:
            start = self._device.record(stream)
            self._device.launch(self, stream)
            marks.append((start, self._device.record(stream)))
        return max(finish.time_ns() for _, finish in marks) - min(start.time_ns() for start, _ in marks)

    def close(self) -> None:
        del self._kernel, self._module
