"""Record kernels with CUPTI's activity records, through cupti-python."""

import time
from collections.abc import Sequence
from typing import Any

from isim.errors import ProfileError
from isim.profiler.device.contract import Device, Kernel, Repetition, Workload

_WARM_UP_BATCHES = 3
_BUFFER_BYTES = 8 << 20
_FLUSH_FORCED = 1
# CUpti_ActivityMemcpyKind; arrays lie in device memory.
_COPIES = {1: "memcpy_h2d", 3: "memcpy_h2d", 2: "memcpy_d2h", 4: "memcpy_d2h"}
_COPIES |= dict.fromkeys((5, 6, 7, 8), "memcpy_d2d")


class CuptiRecorder:
    """Run a workload while CUPTI records: a `KernelRecorder`.

    Parameters
    ----------
    device
        On whose stream 0 it runs.
    """

    name = "cupti"

    def __init__(self, device: Device) -> None:
        self._device = device

    def record(self, workload: Workload, repetitions: int) -> Sequence[Repetition]:
        """Run the workload alone so many times, after a warm-up, and return every repetition.

        Raises
        ------
        ProfileError
            The workload fails, or CUPTI records nothing.
        """
        from cupti import cupti

        try:
            records, spans = self._watched(cupti, workload, repetitions)
        except (cupti.cuptiError, RuntimeError) as error:
            raise ProfileError(
                f"CUPTI: cannot record ({error}); end other profilers, or uninstall cupti-python to record with nsys"
            ) from None
        # Both clocks are read at once, so that the records stand beside the telemetry.
        ahead_ns = time.monotonic_ns() - cupti.get_timestamp()
        kernels = [
            kernel for kernel in (_kernel(record, cupti.ActivityKind) for record in records) if kernel is not None
        ]
        return [_repetition(kernels, span, ahead_ns, workload.model) for span in spans]

    def _watched(self, cupti: Any, workload: Workload, repetitions: int) -> tuple[list[Any], list[tuple[int, int]]]:
        """Return the activity records, and when each repetition was called and was done, on CUPTI's clock."""
        kinds = (cupti.ActivityKind.CONCURRENT_KERNEL, cupti.ActivityKind.MEMCPY, cupti.ActivityKind.MEMSET)
        stream = self._device.stream(0)
        records: list[Any] = []
        spans: list[tuple[int, int]] = []
        cupti.activity_register_callbacks(lambda: (_BUFFER_BYTES, 0), records.extend)
        for kind in kinds:
            cupti.activity_enable(kind)
        try:
            for repetition in range(-_WARM_UP_BATCHES, repetitions):
                start_ns = cupti.get_timestamp()
                self._device.launch(workload, stream)
                self._device.record(stream).time_ns()
                if repetition >= 0:
                    spans.append((start_ns, cupti.get_timestamp()))
            cupti.activity_flush_all(_FLUSH_FORCED)
        finally:
            for kind in kinds:
                cupti.activity_disable(kind)
        return records, spans


def _repetition(kernels: list[Kernel], span: tuple[int, int], ahead_ns: int, model: str) -> Repetition:
    """Return what ran within a span, which ends with its last operation: what follows is the host's waiting."""
    inside = sorted((k for k in kernels if span[0] <= k.start_ns < span[1]), key=lambda kernel: kernel.start_ns)
    if not inside:
        raise ProfileError(f"{model}: CUPTI recorded no kernel of a batch; record with nsys, or end other profilers")
    finish_ns = max(kernel.finish_ns for kernel in inside)
    return Repetition(span[0], finish_ns, tuple(inside)).later(ahead_ns)


def _kernel(record: Any, kinds: Any) -> Kernel | None:
    """Return an activity record as a kernel; None for one that is neither kernel, copy of the GPU nor memset."""
    if record.kind == kinds.CONCURRENT_KERNEL:
        return Kernel(
            record.name,
            record.start,
            record.end,
            stream=record.stream_id,
            grid=record.grid_x * record.grid_y * record.grid_z,
            block=record.block_x * record.block_y * record.block_z,
            registers=record.registers_per_thread,
            shared_memory_bytes=record.static_shared_memory + record.dynamic_shared_memory,
        )
    if record.kind == kinds.MEMCPY and record.copy_kind in _COPIES:
        kind = _COPIES[record.copy_kind]
        return Kernel(kind, record.start, record.end, kind, record.stream_id, bytes=record.bytes)
    if record.kind == kinds.MEMSET:
        return Kernel("memset", record.start, record.end, "memset", record.stream_id, bytes=record.bytes)
    return None
