"""Record the nodes of an ONNX graph by ONNX Runtime's own profiler."""

import json
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from isim.profiler.device.contract import Device, Kernel, Repetition, Workload
from isim.profiler.workloads.onnx_workload import OnnxWorkload

_WARM_UP = 10
_NODE = "_kernel_time"


class OnnxRecorder:
    """Run a graph again in a session that is profiled; other workloads are one operation a batch."""

    name = "ONNX Runtime profiler"

    def __init__(self, device: Device) -> None:
        self._device = device

    def record(self, workload: Workload, repetitions: int) -> Sequence[Repetition]:
        """Run the workload alone so many times and return every repetition."""
        if not isinstance(workload, OnnxWorkload):
            return self._whole(workload, repetitions)
        with tempfile.TemporaryDirectory() as folder:
            arguments = (workload.model, workload.content, workload.batch_size, workload.sizes)
            profiled = OnnxWorkload(*arguments, profile_prefix=Path(folder) / "profile")
            try:
                for _ in range(_WARM_UP + repetitions):
                    self._device.launch(profiled, self._device.stream(0))
                    self._device.synchronise()
                # ONNX Runtime counts from a moment of the wall clock; ours is the monotonic one.
                start_ns = profiled.session.get_profiling_start_time_ns() - (time.time_ns() - time.monotonic_ns())
                events = json.loads(Path(profiled.session.end_profiling()).read_bytes())
            finally:
                profiled.close()
        return runs(events, start_ns)[_WARM_UP:]

    def _whole(self, workload: Workload, repetitions: int) -> list[Repetition]:
        stream = self._device.stream(0)
        runs = []
        for _ in range(repetitions):
            start = self._device.record(stream)
            self._device.launch(workload, stream)
            finish = self._device.record(stream)
            start_ns, finish_ns = start.time_ns(), finish.time_ns()
            runs.append(Repetition(start_ns, finish_ns, (Kernel(workload.model, start_ns, finish_ns),)))
        self._device.synchronise()  # says whether the last one failed
        return runs


def runs(events: Iterable[Mapping[str, Any]], start_ns: int) -> list[Repetition]:
    """Return every run of a session from the events of its profile, whose times are in microseconds from `start_ns`.

    Examples
    --------
    >>> node = {"cat": "Node", "name": "conv1_kernel_time", "ts": 12, "dur": 30, "args": {"op_name": "Conv"}}
    >>> runs([node, {"cat": "Session", "name": "model_run", "ts": 10, "dur": 40}], start_ns=0)[0].kernels
    (Kernel(name='Conv conv1', start_ns=12000, finish_ns=42000, kind='kernel', stream=0, ...),)
    """
    bounds, kernels = [], []
    for event in events:
        start, finish = start_ns + event["ts"] * 1000, start_ns + (event["ts"] + event["dur"]) * 1000
        if event["cat"] == "Session" and event["name"] == "model_run":
            bounds.append((start, finish))
        elif event["cat"] == "Node" and event["name"].endswith(_NODE):
            name = f"{event['args']['op_name']} {event['name'].removesuffix(_NODE)}"
            kernels.append(Kernel(name, start, finish))
    bounds.sort()
    kernels.sort(key=lambda kernel: kernel.start_ns)
    repetitions, position = [], 0
    for start, finish in bounds:
        begin = position
        while position < len(kernels) and kernels[position].start_ns < finish:
            position += 1
        repetitions.append(Repetition(start, finish, tuple(kernels[begin:position])))
    return repetitions
