"""Put a process on the clock of the fake libcuda: the host's time passes only where the driver lets it."""

import ctypes
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, TextIO, TypeVar

Result = TypeVar("Result")
_NOBODY = -1


def tell_virtual_time() -> ctypes.CDLL:
    """Move what reads the time or sleeps onto the virtual clock, and return the driver; threads wait for real time."""
    libcuda = ctypes.CDLL("libcuda.so.1")
    libcuda.virtual_us.restype = ctypes.c_double
    libcuda.let_pass.argtypes = [ctypes.c_double]
    vars(subprocess)["time"] = SimpleNamespace(sleep=time.sleep)  # it waits for real processes
    time.monotonic_ns = lambda: round(libcuda.virtual_us() * 1e3)
    time.monotonic = lambda: libcuda.virtual_us() * 1e-6
    # Even a sleep of 0 takes a host some time; without it, waiting for an event would take as many steps as it has us.
    time.sleep = lambda seconds: libcuda.let_pass(max(seconds * 1e6, 5.0))
    return libcuda


def share_as_parent(libcuda: ctypes.CDLL) -> None:
    """Tell the driver what this process writes to and waits for from the processes of a mix."""
    from isim.profiler.in_processes import InProcesses

    ask, answer, wait = InProcesses._ask, InProcesses._answer, subprocess.Popen.wait

    def _ask(self: InProcesses, member: int, question: dict[str, Any]) -> None:
        libcuda.post(self._processes[member].pid)
        ask(self, member, question)

    def _answer(self: InProcesses, member: int, timeout_s: float) -> dict[str, Any]:
        return _away(libcuda, self._processes[member].pid, lambda: answer(self, member, timeout_s))

    def _wait(self: "subprocess.Popen[bytes]", timeout: float | None = None) -> int:
        return _away(libcuda, _NOBODY, lambda: wait(self, timeout))

    vars(selectors)["DefaultSelector"] = _selector(libcuda)
    InProcesses._ask, InProcesses._answer, subprocess.Popen.wait = _ask, _answer, _wait  # type: ignore[method-assign]


def _away(libcuda: ctypes.CDLL, pid: int, call: Callable[[], Result]) -> Result:
    libcuda.await_post(pid)
    try:
        return call()
    finally:
        libcuda.resume(pid)


def _selector(libcuda: ctypes.CDLL) -> type[selectors.BaseSelector]:
    class Selector(selectors.SelectSelector):
        """Wait in virtual time: only when nothing moves any more does the timeout pass."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            while not (ready := super().select(0.02)):
                if timeout is not None and libcuda.nothing_moves():
                    libcuda.let_pass(timeout * 1e6)
                    return []
            return ready

    return Selector


def share_as_child(libcuda: ctypes.CDLL) -> None:
    """Tell the driver what this process, a member of a mix, waits for from its parent and writes to it."""
    fdopen = os.fdopen
    sys.stdin = _Awaited(libcuda, sys.stdin)  # type: ignore[assignment]
    os.fdopen = lambda *arguments: _Posting(libcuda, fdopen(*arguments))  # type: ignore[assignment,misc]


class _Awaited:
    def __init__(self, libcuda: ctypes.CDLL, file: TextIO) -> None:
        self._libcuda, self._file = libcuda, file

    def __iter__(self) -> Iterator[str]:
        while line := _away(self._libcuda, 0, self._file.readline):
            yield line


class _Posting:
    def __init__(self, libcuda: ctypes.CDLL, file: TextIO) -> None:
        self._libcuda, self._file = libcuda, file

    def write(self, text: str) -> int:
        self._libcuda.post(0)
        return self._file.write(text)

    def flush(self) -> None:
        self._file.flush()
