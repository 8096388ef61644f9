"""Run a workload until its device has left idle, so that the first measurement is like the last."""

from collections.abc import Sequence

from isim.profiler.device.contract import Device, Stream, TelemetrySource, Workload
from isim.profiler.rejection import CLOCK_FLOOR
from isim.profiler.telemetry import IDLE, Sample

_MIN_BATCHES = 3
_MIN_S = 0.5
_TIMEOUT_S = 10.0


def is_warm(samples: Sequence[Sample], batches: int, elapsed_s: float) -> bool:
    """Return whether three batches and half a second have passed and the clock is up: not idle, near its highest.

    Parameters
    ----------
    samples
        Telemetry after each batch so far; empty where none is to be had.

    Examples
    --------
    >>> is_warm([Sample(0, sm_clock_mhz=345.0, throttle_reasons=1)], batches=9, elapsed_s=0.6)
    False
    >>> is_warm([Sample(0, sm_clock_mhz=345.0), Sample(1, sm_clock_mhz=1980.0)], batches=9, elapsed_s=0.6)
    True
    """
    if batches < _MIN_BATCHES or elapsed_s < _MIN_S:
        return False
    if samples and (samples[-1].throttle_reasons or 0) & IDLE:
        return False
    clocks = [sample.sm_clock_mhz for sample in samples[-1:] if sample.sm_clock_mhz is not None]
    highest = max((sample.sm_clock_mhz for sample in samples if sample.sm_clock_mhz is not None), default=0.0)
    return all(clock >= CLOCK_FLOOR * highest for clock in clocks)


def warm_up(device: Device, workload: Workload, stream: Stream, telemetry: TelemetrySource | None) -> bool:
    """Run batches until the device is warm, and return whether it became so within 10 s.

    Examples
    --------
    >>> import time
    >>> from isim.profiler.device.cpu import CpuDevice
    >>> from isim.profiler.workloads.callable_workload import CallableWorkload
    >>> device = CpuDevice("cpu")
    >>> workload = CallableWorkload("sleeps", 1, lambda: time.sleep(0.05))
    >>> warm_up(device, workload, device.stream(0), telemetry=None)
    True
    >>> device.close()
    """
    begin_ns = device.now_ns()
    samples: list[Sample] = []
    batches = 0
    while True:
        device.launch(workload, stream)
        device.record(stream).time_ns()
        batches += 1
        if telemetry is not None:
            samples.append(telemetry.mark())
        elapsed_s = (device.now_ns() - begin_ns) * 1e-9
        if is_warm(samples, batches, elapsed_s):
            return True
        if elapsed_s >= _TIMEOUT_S:
            return False
