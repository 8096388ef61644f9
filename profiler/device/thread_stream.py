"""A stream of a CPU: a thread that does what is queued, in order, on one core."""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable


class Mark:
    """An event of a CPU: when its stream's thread came past it.

    Examples
    --------
    >>> mark = Mark(threading.Condition())
    >>> before, _ = mark.done(), mark.set()
    >>> before, mark.done()
    (False, True)
    """

    def __init__(self, passed: threading.Condition) -> None:
        self._passed = passed
        self._time_ns: int | None = None

    def set(self) -> None:
        """Note the time and wake those who wait."""
        self._time_ns = time.monotonic_ns()
        with self._passed:
            self._passed.notify_all()

    def done(self) -> bool:
        """Whether the stream came past it."""
        return self._time_ns is not None

    def time_ns(self) -> int:
        """Wait for it and return when the stream came past it."""
        with self._passed:
            self._passed.wait_for(self.done)
        assert self._time_ns is not None
        return self._time_ns


class ThreadStream:
    """Do work in a thread of its own, held to one core.

    Parameters
    ----------
    core
        The number of the core, None to run on any.
    failed
        Told what the work raised; the stream goes on with what is behind it.

    Examples
    --------
    >>> failures = []
    >>> stream = ThreadStream(0, core=None, failed=failures.append)
    >>> stream.put(lambda: 1 / 0)
    >>> mark = Mark(threading.Condition())
    >>> stream.put(mark.set)
    >>> mark.time_ns() > 0, mark.done(), failures
    (True, True, [ZeroDivisionError('division by zero')])
    >>> stream.close()
    """

    def __init__(self, index: int, core: int | None, failed: Callable[[BaseException], None]) -> None:
        self.index = index
        self._core = core
        self._failed = failed
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=f"stream {index}", daemon=True)
        self._thread.start()

    def put(self, work: Callable[[], None]) -> None:
        """Queue work."""
        self._queue.put(work)

    def close(self) -> None:
        """End the thread once what is queued is done."""
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        if self._core is not None:
            with contextlib.suppress(OSError):  # a core may be taken away from a container while it runs
                os.sched_setaffinity(0, {self._core})
        while (work := self._queue.get()) is not None:
            try:
                work()
            except BaseException as error:
                self._failed(error)
