"""The CPU as a device: its streams are threads, each held to one core, its kernels the nodes of ONNX Runtime."""

import importlib.util
import os
import platform
import threading
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from isim.errors import ProfileError
from isim.profiler.device.contract import Bench, Event, Workload
from isim.profiler.device.cpu_clock import CpuClock
from isim.profiler.device.thread_stream import Mark, ThreadStream
from isim.profiler.workloads.callable_workload import CallableWorkload, call_factory
from isim.profiler.workloads.named import BuiltIn, Factory, model_name, named_model
from isim.profiler.workloads.onnx_workload import OnnxWorkload
from isim.profiler.workloads.zoo import build_model


def open_bench(spec: str) -> Bench:
    """Open the CPU: `cpu` for every core this process may use, `cpu:0,1` for these.

    Raises
    ------
    ProfileError
        The text names no cores, or one that is not there.

    Examples
    --------
    >>> open_bench("cpu").recorder.name
    'ONNX Runtime profiler'
    >>> open_bench("cpu:x")
    Traceback (most recent call last):
    isim.errors.ProfileError: --device cpu:x: not a list of cores (found 'x'); write cpu:0,1
    """
    from isim.profiler.device.onnx_recorder import OnnxRecorder

    device = CpuDevice(spec)
    clock = CpuClock(device.cores)
    notes = () if clock.available else ("the machine does not report its cores' clocks: nothing is rejected by clock",)
    return Bench(device, OnnxRecorder(device), None, clock if clock.available else None, notes)


class CpuDevice:
    """Run batches in threads; stream i is held to core i, modulo the number of cores.

    Examples
    --------
    >>> device = CpuDevice("cpu")
    >>> workload = device.load("operator:itemgetter", 1)
    >>> device.facts()["kind"], workload.model
    ('cpu', 'itemgetter')
    >>> device.close()
    >>> device = CpuDevice("cpu")
    >>> stream, ran = device.stream(0), []
    >>> device.launch(CallableWorkload("notes", 1, lambda: ran.append(1)), stream)
    >>> device.wait_any([device.record(stream)])
    >>> device.synchronise()
    >>> ran, device.now_ns() > 0, device.environment("threads", 1.0)
    ([1], True, {})
    >>> device.sleep(0.0)
    >>> device.close()
    """

    sharings = ("threads", "processes")

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self.cores = _cores(spec)
        self._streams: dict[int, ThreadStream] = {}
        self._passed = threading.Condition()
        self._failures: list[BaseException] = []

    def facts(self) -> Mapping[str, Any]:
        """Return name, cores, caches, memory and versions."""
        packages = [name for name in ("onnxruntime", "numpy") if importlib.util.find_spec(name)]
        return {
            "kind": "cpu",
            "name": _processor_name(),
            "cores": list(self.cores),
            "cores_of_machine": os.cpu_count(),
            "cache_bytes": _cache_bytes(Path(f"/sys/devices/system/cpu/cpu{self.cores[0]}/cache")),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "pinned": hasattr(os, "sched_setaffinity"),
            "system": platform.system(),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        }

    def environment(self, sharing: str, sm_share: float) -> Mapping[str, str]:
        """Return nothing: a process takes its core from the number of its stream."""
        return {}

    def load(self, model: str, batch_size: int) -> CallableWorkload | OnnxWorkload:
        """Load an `.onnx` file, what a factory returns, or a model of the zoo.

        Raises
        ------
        ProfileError
            It cannot be loaded, or ONNX Runtime is not installed.
        """
        named = named_model(model)
        name = model_name(model)
        if isinstance(named, Factory):
            call = call_factory(named.spec, batch_size)
            if not callable(call):
                found = type(call).__name__
                raise ProfileError(f"{model}: returned no callable (found {found}); return a function of nothing")
            return CallableWorkload(name, batch_size, call)
        for package in ("onnxruntime", "onnx")[: 2 if isinstance(named, BuiltIn) else 1]:
            if importlib.util.find_spec(package) is None:
                raise ProfileError(f"{model}: needs {package}, which is not installed; install isim-serving[onnx]")
        content = build_model(named.name) if isinstance(named, BuiltIn) else named.path
        return OnnxWorkload(name, content, batch_size, {} if isinstance(named, BuiltIn) else named.sizes)

    def stream(self, index: int) -> ThreadStream:
        """Return the stream of this number."""
        if index not in self._streams:
            core = self.cores[index % len(self.cores)] if hasattr(os, "sched_setaffinity") else None
            self._streams[index] = ThreadStream(index, core, self._failures.append)
        return self._streams[index]

    def launch(self, workload: Workload, stream: Any) -> None:
        """Queue one batch."""
        self._check()
        stream.put(lambda: workload.run(stream))

    def record(self, stream: Any) -> Mark:
        """Queue a mark behind what the stream holds."""
        mark = Mark(self._passed)
        stream.put(mark.set)
        return mark

    def wait_any(self, events: Sequence[Event]) -> None:
        """Return when at least one of the events is done."""
        with self._passed:
            self._passed.wait_for(lambda: any(event.done() for event in events))
        self._check()

    def synchronise(self) -> None:
        """Return when all streams are empty."""
        for stream in self._streams.values():
            self.record(stream).time_ns()
        self._check()

    def now_ns(self) -> int:
        """Return the host's monotonic clock."""
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(max(0.0, seconds))

    def close(self) -> None:
        """End all threads."""
        while self._streams:
            self._streams.popitem()[1].close()

    def _check(self) -> None:
        if self._failures:
            raise self._failures[0]


def _cores(spec: str) -> tuple[int, ...]:
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    text = spec.partition(":")[2]
    if not text:
        return tuple(usable)
    if not all(part.isdecimal() for part in text.split(",")):
        raise ProfileError(f"--device {spec}: not a list of cores (found {text!r}); write cpu:0,1")
    cores = tuple(int(part) for part in text.split(","))
    absent = [core for core in cores if core not in usable]
    if absent:
        raise ProfileError(
            f"--device {spec}: no core {absent[0]} to use (has: {', '.join(map(str, usable))}); name others, or use cpu"
        )
    return cores


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cache_bytes(folder: Path) -> dict[str, int]:
    """Return the size of each cache of a core that holds data, by level."""
    sizes = {}
    for index in sorted(folder.glob("index*")):
        try:
            kind, level, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
        except OSError:
            continue
        if kind != "Instruction" and size[:-1].isdecimal():
            sizes[f"level_{level}"] = int(size[:-1]) * {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
    return sizes
