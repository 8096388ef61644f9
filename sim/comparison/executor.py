"""Where simulations of a sweep run: in this process, in several processes, or on a cluster."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

from isim.errors import FlagError

A = TypeVar("A")
T = TypeVar("T")


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


def make_executor(spec: str) -> Executor:
    """Return what `processes`, `processes:4` or `dask://host:port` names.

    Raises
    ------
    FlagError
        The text names none of them.

    Examples
    --------
    >>> make_executor("processes:1")
    <isim.comparison.executor.Here object at ...>
    """
    if match := re.fullmatch(r"processes(?::([1-9][0-9]{0,3}))?", spec):
        from isim.comparison.executor_processes import Processes

        count = int(match[1]) if match[1] else len(os.sched_getaffinity(0))
        return Processes(count) if count > 1 else Here()
    if match := re.fullmatch(r"dask://([^/\s:]+:[0-9]+)/?", spec):
        from isim.comparison.executor_dask import DaskCluster

        return DaskCluster(match[1])
    raise FlagError(
        f"executor: no such place to run (found {spec!r}); write processes, processes:4 or dask://host:port"
    )
