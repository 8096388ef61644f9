"""A stand-in for cupti-python: it records what the fake libcuda logs, as CUPTI's activity records say it."""

import ctypes
import os
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_LIBCUDA = ctypes.CDLL("libcuda.so.1")
_LIBCUDA.virtual_us.restype = ctypes.c_double
_EPOCH_NS = 10**18  # CUPTI's clock is not the host's monotonic one
_state: dict[str, Any] = {"completed": None, "since": 0}

ActivityKind = IntEnum("ActivityKind", ["CONCURRENT_KERNEL", "MEMCPY", "MEMSET"])


class cuptiError(Exception):  # noqa: N801
    """What CUPTI reports."""


def _log() -> list[list[str]]:
    return [line.split() for line in Path(os.environ["ISIM_FAKE_CUDA_LOG"]).read_text().splitlines()]


def get_timestamp() -> int:
    return _EPOCH_NS + round(1000 * _LIBCUDA.virtual_us())


def activity_register_callbacks(
    _requested: Callable[[], tuple[int, int]], completed: Callable[[list[Any]], None]
) -> None:
    if os.environ.get("ISIM_FAKE_TOOL") == "cupti-in-use":
        raise cuptiError("ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED (39)")
    _state["completed"] = completed


def activity_enable(_kind: ActivityKind) -> None:
    _state["since"] = len(_log())


def activity_disable(_kind: ActivityKind) -> None:
    pass


def activity_flush_all(_flag: int) -> None:
    kernels = [words[1:] for words in _log()[_state["since"] :] if words[0] == "kernel"]
    _state["completed"]([_record(*words) for words in kernels])


def _record(
    stream: str, name: str, start_us: str, finish_us: str, grid: str, block: str, _issued: str
) -> SimpleNamespace:
    return SimpleNamespace(
        kind=ActivityKind.CONCURRENT_KERNEL, name=name, stream_id=int(stream),
        start=_EPOCH_NS + round(1000 * float(start_us)), end=_EPOCH_NS + round(1000 * float(finish_us)),
        grid_x=int(grid), grid_y=1, grid_z=1, block_x=int(block), block_y=1, block_z=1,
        registers_per_thread=32, static_shared_memory=0, dynamic_shared_memory=0,
    )  # fmt: skip
