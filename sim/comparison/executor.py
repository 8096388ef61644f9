"""Where simulations of a sweep run: in this process, in several processes, or on a cluster."""

import os
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, TracebackType
from typing import Protocol, Self, TypeVar

from isim.errors import ExperimentError, RunError

A = TypeVar("A")
T = TypeVar("T")

_ENDING = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_S = 5
"""For what a process has to remove before it ends."""


class Executor(Protocol):
    """Run calls that are independent of each other; used as a context, at whose end its processes end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def finished(self, call: Callable[[A], T], tasks: Sequence[A]) -> Iterator[tuple[int, T]]:
        """Yield the position of each task and what `call` returned of it, once each, as they finish.

        Parameters
        ----------
        call
            A function of a module, which other processes can import.
        """
        ...


class Here:
    """Run everything in this process, one after the other."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def finished(self, call: Callable[[A], T], tasks: Sequence[A]) -> Iterator[tuple[int, T]]:
        """Yield results in the order of the tasks."""
        for number, task in enumerate(tasks):
            yield number, call(task)


class Processes:
    """Run on processes of this machine.

    Parameters
    ----------
    count
        How many, at least 1.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def __enter__(self) -> Self:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self._others = set(multiprocessing.active_children())
        # Not forked: libraries that are loaded here may hold threads, and locks with them.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(self.count, context, initializer=_live_with_parent)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        import multiprocessing

        if kind is not None:  # nobody waits for what they are doing
            for process in set(multiprocessing.active_children()) - self._others:
                process.terminate()
                process.join(_PATIENCE_S)
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def finished(self, call: Callable[[A], T], tasks: Sequence[A]) -> Iterator[tuple[int, T]]:
        """Yield results as they finish; few wait at a time, so that they do not pile up in memory."""
        from concurrent.futures import FIRST_COMPLETED, Future, wait
        from concurrent.futures.process import BrokenProcessPool

        waiting = list(enumerate(tasks))[::-1]
        running: dict[Future[T], int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < 2 * self.count:
                    number, task = waiting.pop()
                    running[self._pool.submit(_interruptible, call, task)] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool:
            raise RunError(
                f"executor: a process ended unexpectedly (found {self.count} processes; perhaps out of memory); "
                "start the same command again with fewer, such as --executor processes:1"
            ) from None


def make_executor(spec: str) -> Executor:
    """Return what `processes`, `processes:4` or `dask://host:port` names.

    Raises
    ------
    ExperimentError
        The text names none of them.

    Examples
    --------
    >>> make_executor("processes:1")
    <isim.comparison.executor.Here object at ...>
    """
    if match := re.fullmatch(r"processes(?::([1-9][0-9]{0,3}))?", spec):
        count = int(match[1]) if match[1] else len(os.sched_getaffinity(0))
        return Processes(count) if count > 1 else Here()
    if match := re.fullmatch(r"dask://([^/\s:]+:[0-9]+)/?", spec):
        from isim.comparison.executor_dask import DaskCluster

        return DaskCluster(match[1])
    raise ExperimentError(
        f"executor: no such place to run (found {spec!r}); write processes, processes:4 or dask://host:port"
    )


def _interruptible(call: Callable[[A], T], task: A) -> T:
    """Call in a process of the pool, which a signal ends at once, but for the removal of what is half written."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in _ENDING:
        signal.signal(number, stop)
    try:
        return call(task)
    except KeyboardInterrupt:  # the pool would take it for an answer, and wait for more tasks
        os._exit(130)
    finally:
        for number in _ENDING:
            signal.signal(number, signal.SIG_DFL)


def _live_with_parent() -> None:
    """Let a process end with its parent: quietly when interrupted, and also when the parent is killed."""
    import multiprocessing
    import threading

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
