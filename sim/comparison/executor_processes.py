"""Run the simulations of a sweep on processes of this machine."""

import multiprocessing
import os
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from isim.errors import RunError
from isim.interruption import undisturbed
from isim.scratch import scratch

A = TypeVar("A")
T = TypeVar("T")


class Processes:
    """Run on processes of this machine, which can be killed at any time.

    Each has a pipe of its own, unlike those of `concurrent.futures`: one killed in the middle of an answer would leave
    half of it in the pipe of all, and whoever reads that waits for ever.

    Parameters
    ----------
    count
        How many, at least 1.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._processes: dict[Connection, SpawnProcess] = {}

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self._written = self._open.enter_context(scratch())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with undisturbed():
            for connection, process in self._processes.items():
                connection.close()  # it ends, if it has nothing to do
                if kind is not None:  # nobody waits for what it is doing
                    process.kill()
            for process in self._processes.values():
                process.join()
            self._processes.clear()
            self._open.close()

    def finished(self, call: Callable[[A], T], tasks: Sequence[A]) -> Iterator[tuple[int, T]]:
        """Yield results as they finish; to be read to the end, or not gone on with."""
        while len(self._processes) < min(self.count, len(tasks)):
            self._start()
        waiting = list(enumerate(tasks))[::-1]
        running: dict[Connection, int] = {}

        def go_on(connection: Connection) -> None:
            if waiting:
                running[connection], task = waiting.pop()
                with self._heard():
                    connection.send((call, task))

        for connection in self._processes:
            go_on(connection)
        while running:
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                number = running.pop(ready)
                with self._heard():
                    answer, error = ready.recv()
                if error is not None:
                    raise error
                go_on(ready)
                yield number, answer

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Say of a process that cannot be spoken with that it ended."""
        try:
            yield
        except (EOFError, ConnectionError):
            raise RunError(
                f"executor: a process ended unexpectedly (found {self.count} processes; perhaps out of memory); "
                "start the same command again with fewer, such as --executor processes:1"
            ) from None

    def _start(self) -> None:
        # Not forked: libraries that are loaded here may hold threads, and locks with them.
        context = multiprocessing.get_context("spawn")
        connection, theirs = context.Pipe()
        process = context.Process(target=_answer, args=(theirs, self._written), daemon=True)
        process.start()
        theirs.close()
        self._processes[connection] = process


def _answer(connection: Connection, written: Path) -> None:
    """Make the calls that come, in a process that ends with its parent.

    Parameters
    ----------
    written
        Where temporary folders go; the parent removes it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # control-C reaches the parent as well, which ends this process
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: os._exit(128 + number))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    tempfile.tempdir = str(written)
    while True:
        try:
            call, task = connection.recv()
        except EOFError:
            return
        connection.send(_outcome(call, task))


def _outcome(call: Callable[[Any], Any], task: Any) -> tuple[Any, Exception | None]:
    try:
        return call(task), None
    except Exception as error:  # raised again where somebody waits for it
        error.add_note("".join(traceback.format_exception(error)))
        return None, error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
