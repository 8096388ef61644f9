"""Turn the metrics that Nsight Compute counted of a kernel into the profile's columns, by the units it states."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from isim.errors import ProfileError
from isim.profiler.device.contract import KernelCounters

_ELAPSED, _ACTIVE = "avg.pct_of_peak_sustained_elapsed", "avg.pct_of_peak_sustained_active"
# Where several metrics say the same, the first one that a file has: the first is what the section Speed of Light shows,
# those after it need fewer passes, or are called so in other versions and on other chips.
_SHARES: Mapping[str, tuple[str, ...]] = {
    "sm": (f"sm__throughput.{_ELAPSED}", f"sm__inst_issued.{_ACTIVE}"),
    "memory": (f"gpu__compute_memory_throughput.{_ELAPSED}",),
    "tensor": (
        f"sm__pipe_tensor_cycles_active.{_ACTIVE}",
        f"sm__pipe_tensor_cycles_active.{_ELAPSED}",
        f"sm__inst_executed_pipe_tensor.{_ACTIVE}",
    ),
    "l2": (
        f"lts__throughput.{_ELAPSED}",
        f"lts__t_sectors.{_ELAPSED}",
        f"lts__t_bytes.{_ELAPSED}",
        f"lts__t_bytes.{_ACTIVE}",
    ),
    "dram": (
        f"gpu__dram_throughput.{_ELAPSED}",
        f"dram__throughput.{_ELAPSED}",
        "dram__bytes.sum.pct_of_peak_sustained_elapsed",
    ),
    "occupancy": (f"sm__warps_active.{_ACTIVE}",),
}
_DURATION = "gpu__time_duration.sum"
_COUNTS: Mapping[str, str] = {
    "grid": "launch__grid_size",
    "block": "launch__block_size",
    "registers": "launch__registers_per_thread",
}
_SHARED_MEMORY = ("launch__shared_mem_per_block_static", "launch__shared_mem_per_block_dynamic")
_SMS, _DEVICE = "device__attribute_multiprocessor_count", "device__attribute_display_name"
WANTED = frozenset(
    {
        _DURATION,
        *_COUNTS.values(),
        *_SHARED_MEMORY,
        _SMS,
        _DEVICE,
        *(one for names in _SHARES.values() for one in names),
    }
)

_NS = {"ns": 1, "nsecond": 1, "us": 1e3, "usecond": 1e3, "ms": 1e6, "msecond": 1e6, "s": 1e9, "second": 1e9}
_BYTES = {"byte": 1, "Kbyte": 1e3, "Mbyte": 1e6, "Gbyte": 1e9}
_ABSENT = re.compile(r"(\(!\) ?)?(n/a|nan|no data|)", re.IGNORECASE)
_LARGEST = 2.0**62


class Counted(NamedTuple):
    """One kernel as Nsight Compute reports it: of each metric what it says, and the unit it says it in."""

    name: str
    metrics: Mapping[str, tuple[Any, str]]


class Columns(NamedTuple):
    """Kernels as columns of a profile; what was used to say so.

    Parameters
    ----------
    rows
        Of each kernel `name`, what of `duration_ns`, `grid` and so on was counted, and shares of the peak.
    metrics
        Of each share the metric that it is.
    clipped
        How many utilisations above the peak were taken for the peak.
    device
        `name` and `sms`, where the file says them.

    Examples
    --------
    >>> columns = Columns(({"name": "gemm", "grid": 80, "sm": 0.9},), {"sm": "sm__throughput"}, 0, {})
    >>> columns.counters()
    (KernelCounters(name='gemm', grid=80, block=None, shares={'sm': 0.9}),)
    """

    rows: tuple[dict[str, Any], ...]
    metrics: dict[str, str]
    clipped: int
    device: dict[str, Any]

    def counters(self) -> tuple[KernelCounters, ...]:
        """Return the kernels' shares of the peak, to be joined to durations of another run."""
        return tuple(
            KernelCounters(
                row["name"], row.get("grid"), row.get("block"), {share: row.get(share) for share in self.metrics}
            )
            for row in self.rows
        )


def to_columns(kernels: Sequence[Counted], where: str, *, above_peak: str = "error") -> Columns:
    """Return the kernels as columns of a profile.

    Parameters
    ----------
    above_peak
        `clip` takes a utilisation above its peak by at most a tenth for the peak; `error` refuses it.

    Raises
    ------
    ProfileError
        A unit is unknown or a value is no number; one sentence for all kernels with the same mistake.

    Examples
    --------
    >>> metrics = {"gpu__time_duration.sum": ("84.48", "usecond"), "launch__grid_size": ("196", "")}
    >>> to_columns([Counted("gemm", metrics)], "ncu.csv").rows
    ({'name': 'gemm', 'duration_ns': 84480, 'grid': 196},)
    """
    reader = _Reader(clip=above_peak == "clip")
    has = {name for kernel in kernels for name, (value, _) in kernel.metrics.items() if not _absent(value)}
    shares = {share: next(name for name in names if name in has) for share, names in _SHARES.items() if has & {*names}}
    rows = tuple(reader.row(kernel, shares) for kernel in kernels)
    if reader.wrong:
        raise ProfileError(*(f"{where}: {problem}" for problem in reader.problems()))
    names = {str(kernel.metrics[_DEVICE][0]) for kernel in kernels if _DEVICE in kernel.metrics}
    sms = {row.pop("sms") for row in rows if "sms" in row}
    if len(names) > 1 or len(sms) > 1:
        raise ProfileError(f"{where}: kernels of several GPUs (found {', '.join(sorted(names))}); export one of them")
    device = {**({"name": names.pop()} if names else {}), **({"sms": sms.pop()} if sms else {})}
    return Columns(rows, shares, reader.clipped, device)


class _Reader:
    def __init__(self, *, clip: bool) -> None:
        self.clip = clip
        self.clipped = 0
        self.wrong: dict[tuple[str, str], list[str]] = {}

    def row(self, kernel: Counted, shares: Mapping[str, str]) -> dict[str, Any]:
        row: dict[str, Any] = {"name": kernel.name}
        self._put(row, "duration_ns", kernel, _DURATION, lambda value, unit: _whole(value, _scale(unit, _NS)))
        for column, metric in (*_COUNTS.items(), ("sms", _SMS)):
            self._put(row, column, kernel, metric, lambda value, _unit: _whole(value, 1))
        parts: dict[str, Any] = {}
        for metric in _SHARED_MEMORY:
            self._put(parts, metric, kernel, metric, lambda value, unit: _whole(value, _scale(unit, _BYTES)))
        if len(parts) == len(_SHARED_MEMORY):
            row["shared_memory_bytes"] = sum(parts.values())
        for share, metric in shares.items():
            self._put(row, share, kernel, metric, self._share)
        return row

    def problems(self) -> list[str]:
        sentences = []
        for (metric, what), found in self.wrong.items():
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            sentences.append(f"{metric}: {what} (found {found[0]}{more}); export it again with --print-units base")
        return sentences

    def _put(self, row: dict[str, Any], column: str, kernel: Counted, metric: str, convert: Any) -> None:
        value, unit = kernel.metrics.get(metric, ("", ""))
        if _absent(value):
            return
        try:
            row[column] = convert(_number(value), unit)
        except ValueError as error:
            self.wrong.setdefault((metric, str(error)), []).append(f"{f'{value} {unit}'.strip()!r} of {kernel.name!r}")

    def _share(self, value: float, unit: str) -> float:
        share = round(value * _scale(unit, {"%": 0.01}), 12)
        if share < 0:
            raise ValueError("a negative utilisation")
        if share > 1:
            if not self.clip or share > 1.1:  # more is no rounding but another unit
                raise ValueError("a utilisation above its peak; up to a tenth may be clipped with --above-peak clip")
            self.clipped += 1
        return min(share, 1.0)


def _absent(value: Any) -> bool:
    return isinstance(value, str) and _ABSENT.fullmatch(value.strip()) is not None


def _number(value: Any) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError("not a number") from None
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _scale(unit: str, scales: Mapping[str, float]) -> float:
    scale = scales.get(unit.removesuffix("/block"))
    if scale is None:
        raise ValueError(f"an unknown unit, not one of {', '.join(scales)}")
    return scale


def _whole(value: float, scale: float) -> int:
    if not 0 <= value * scale < _LARGEST:
        raise ValueError("negative or too large")
    return round(value * scale)
