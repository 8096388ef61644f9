"""Read a trace of torch.profiler (Kineto): JSON, compressed or not, of an NVIDIA GPU."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from isim.errors import ProfileError
from isim.profiler.device.contract import Kernel
from isim.profiler.importers.source import read_json, sha256_of
from isim.profiler.importers.timeline import Launched, Range, Timeline, in_launch_order

# Categories were renamed over the years; the trace of today has the lower-case ones.
_OPERATIONS = {
    "kernel": "kernel",
    "gpu_memcpy": "memcpy",
    "memcpy": "memcpy",
    "gpu_memset": "memset",
    "memset": "memset",
}
_CALLS = ("cuda_runtime", "cuda_driver", "runtime", "driver")
_RANGES = (("user_annotation",), ("cpu_op", "operator"))  # old traces know only the second
_COPIES = {"HtoD": "memcpy_h2d", "DtoH": "memcpy_d2h", "DtoD": "memcpy_d2d"}
_ADVICE = "record with torch.profiler, activities CPU and CUDA"
_LATEST_US = Decimal(2**62) / 1000
Event = Mapping[str, Any]


def read_kineto(path: str | Path) -> Timeline:
    """Return the timeline of a trace.

    Operations at time 0 are records that the profiler lost; they are left out and counted in the notes.

    Raises
    ------
    ProfileError
        The file is no such trace, is of another maker's GPU, is damaged, or holds no operation of a GPU.

    Examples
    --------
    >>> from pathlib import Path
    >>> event = {"ph": "X", "cat": "kernel", "name": "gemm", "ts": 5, "dur": 4, "args": {"device": 0, "stream": 7}}
    >>> _ = Path("trace.json").write_text(str({"traceEvents": [event]}).replace("'", '"'))
    >>> timeline = read_kineto(Path("trace.json"))
    >>> [(one.kernel.name, one.kernel.finish_ns - one.kernel.start_ns) for one in timeline.operations]
    [('gemm', 4000)]
    """
    trace = read_json(path)
    events = trace.get("traceEvents") if isinstance(trace, dict) else trace
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ProfileError(f"{path}: not a trace of torch.profiler (no list 'traceEvents'); {_ADVICE}")
    reader = _Reader(str(path), [event for event in events if event.get("ph") == "X"])
    header = trace if isinstance(trace, dict) else {}
    try:
        devices = dict(_devices(str(path), header))
        operations, notes = reader.operations()
        ranges = tuple(reader.ranges())
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise ProfileError(f"{path}: an event is not as torch.profiler writes it ({what}); {_ADVICE}") from None
    kept = ("cupti_version", "cuda_runtime_version", "cuda_driver_version")
    facts = {
        "format": "kineto",
        "file": Path(path).name,
        "sha256": sha256_of(path),
        "versions": {name: header[name] for name in kept if isinstance(header.get(name), int)},
        "resolution_ns": reader.resolution_ns,
    }
    return Timeline(str(path), in_launch_order(operations), ranges, devices, facts, tuple(notes))


def _devices(where: str, header: Event) -> Iterator[tuple[int, dict[str, Any]]]:
    for device in header.get("deviceProperties", []):
        name, warp = device.get("name", "unknown"), device.get("warpSize", 32)
        if warp != 32 or "AMD" in name:
            raise ProfileError(
                f"{where}: recorded on a GPU that profiles do not describe (found {name!r}, warps of {warp} threads); "
                "record on an NVIDIA GPU"
            )
        facts = {"name": name, "sms": device.get("numSms"), "dram_bytes": device.get("totalGlobalMem")}
        yield int(device["id"]), {key: value for key, value in facts.items() if value is not None}


class _Reader:
    def __init__(self, where: str, events: list[Event]) -> None:
        self.where = where
        self.by_category = Counter(str(event.get("cat", "")).lower() for event in events)
        self.events = events
        self.resolution_ns = 1000  # until a fraction of a microsecond is seen

    def operations(self) -> tuple[list[Launched], list[str]]:
        launches = {
            event["args"]["correlation"]: event
            for event in self.events
            if str(event.get("cat", "")).lower() in _CALLS and "correlation" in event.get("args", {})
        }
        recorded = [event for event in self.events if str(event.get("cat", "")).lower() in _OPERATIONS]
        if not recorded:
            found = ", ".join(f"{name} x {count}" for name, count in self.by_category.most_common(6)) or "no events"
            raise ProfileError(f"{self.where}: no operation of a GPU (found {found}); {_ADVICE}")
        kept = [event for event in recorded if event["ts"] > 0]
        operations = [self._launched(event, launches) for event in kept]
        notes = []
        if len(kept) < len(recorded):
            notes.append(f"{self.where}: {len(recorded) - len(kept)} operations stand at time 0 and were left out")
        if not kept:
            raise ProfileError(f"{self.where}: all operations stand at time 0, so no duration is known; record again")
        without = sum(one.launched_ns is None for one in operations)
        if without:
            notes.append(f"{self.where}: the launch of {without} operations is not recorded; no range holds them")
        early = sum(
            one.launched_ns is not None and one.kernel.start_ns < one.launched_ns - self.resolution_ns
            for one in operations
        )
        if early:
            notes.append(f"{self.where}: {early} operations start before their launch; their times may be wrong")
        return operations, notes

    def _launched(self, event: Event, launches: Mapping[Any, Event]) -> Launched:
        args, kind, name = event["args"], _OPERATIONS[event["cat"].lower()], str(event["name"])
        start_ns = self._time_ns(event["ts"])
        finish_ns = start_ns + self._time_ns(event["dur"])
        if kind == "memcpy":
            direction = next((word for word in _COPIES if word in name), None)
            if direction is None:
                raise ProfileError(
                    f"{self.where}: a copy of a kind that a profile does not hold (found {name!r}); record on one GPU"
                )
            kind = _COPIES[direction]
        kernel = Kernel(
            name,
            start_ns,
            finish_ns,
            kind,
            int(args["stream"]),  # text in some versions
            grid=_product(args.get("grid")),
            block=_product(args.get("block")),
            registers=args.get("registers per thread"),
            shared_memory_bytes=args.get("shared memory"),
            bytes=args.get("bytes"),
        )
        order = args["correlation"] if isinstance(args.get("correlation"), int) else None
        call = launches.get(order)
        launched_ns = None if call is None else self._time_ns(call["ts"])
        thread = None if call is None else (call["pid"], call["tid"])
        return Launched(kernel, int(args["device"]), None, order, launched_ns, thread)

    def ranges(self) -> Iterator[Range]:
        names = next((names for names in _RANGES if any(self.by_category[name] for name in names)), ())
        for event in self.events:
            if str(event.get("cat", "")).lower() in names:
                start_ns = self._time_ns(event["ts"])
                finish_ns = start_ns + self._time_ns(event["dur"])
                yield Range(str(event["name"]), start_ns, finish_ns, (event["pid"], event["tid"]))

    def _time_ns(self, time_us: Any) -> int:
        if not isinstance(time_us, int | Decimal) or not 0 <= time_us < _LATEST_US:
            raise ValueError(f"a time is {time_us}")
        if isinstance(time_us, Decimal) and time_us != int(time_us):
            self.resolution_ns = 1
        time_ns: int = round(time_us * 1000)
        return time_ns


def _product(sizes: Any) -> int | None:
    if sizes is None:
        return None
    x, y, z = sizes
    return int(x) * int(y) * int(z)
