"""Signals that end a process, while something is half written."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
"""SIGALRM repeats an interruption that came where no exception can be raised; see `isim.cli`."""


@contextmanager
def terminable() -> Iterator[None]:
    """Turn the signals that would end the process into an exception, so that what is half written can be removed.

    Examples
    --------
    >>> try:
    ...     with terminable():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    interrupted
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(stop, only_instead_of=signal.SIG_DFL):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no signal cut short what is done here: it takes effect afterwards.

    Examples
    --------
    >>> try:
    ...     with undisturbed():
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("removed")
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    removed
    interrupted
    """
    came: list[int] = []
    try:
        with _handled(lambda number, frame: came.append(number)):
            yield
    finally:
        for number in came[:1]:
            signal.raise_signal(number)


@contextmanager
def _handled(
    handler: Callable[[int, FrameType | None], None], only_instead_of: signal.Handlers | None = None
) -> Iterator[None]:
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            old = signal.getsignal(number)
            if old is not None and only_instead_of in (None, old):
                before[number] = old
                signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
