"""Simulations of a sweep on an existing Dask cluster."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeVar

from isim.errors import RunError
from isim.run import versions

A = TypeVar("A")
T = TypeVar("T")

_CONNECT_S = 10
_DEATHS = 3
"""After how many deaths of those who ran it a task is taken for the cause."""


class DaskCluster:
    """Run on the workers of a Dask scheduler, which need this isim and the input files under the same paths.

    Parameters
    ----------
    address
        `host:port` of the scheduler.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> Self:
        try:
            import distributed
        except ImportError:
            raise RunError(
                "executor: dask:// needs a package that is missing (distributed); install isim-serving[cluster]"
            ) from None
        try:
            self._distributed: Any = distributed  # in part without types
            self._client = self._distributed.Client(f"tcp://{self.address}", timeout=_CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise RunError(
                f"executor: no Dask scheduler at {self.address} (found {type(error).__name__}); start one with "
                "'dask scheduler', or correct the address"
            ) from None
        try:
            self._check_workers()
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()  # what was submitted and not fetched is forgotten there

    def finished(self, call: Callable[[A], T], tasks: Sequence[A]) -> Iterator[tuple[int, T]]:
        """Yield results as they finish; what a worker that dies had taken or not yet handed over runs again."""
        # Not pure: the same call may be asked for again, after its files changed.
        numbers = {self._client.submit(call, task, pure=False): number for number, task in enumerate(tasks)}
        with self._client.as_current():  # not for whoever else uses Dask here
            order = self._distributed.as_completed(list(numbers))
        try:
            for future in order:
                number = numbers.pop(future, None)
                if number is None:  # it had to run again, and is counted already
                    continue
                yield number, future.result()
                future.release()
        except self._distributed.KilledWorker:
            raise RunError(
                f"executor: a simulation ended every Dask worker that ran it (found {_DEATHS} deaths; perhaps out of "
                "memory); give the workers more memory, and start the same command again"
            ) from None

    def _check_workers(self) -> None:
        """Refuse workers on which a result could have other bits."""
        try:
            found = self._client.run(versions)
        except ModuleNotFoundError as error:
            raise RunError(
                f"executor: a Dask worker lacks a package (found no {error.name}); install isim-serving on every worker"
            ) from None
        if not found:
            raise RunError(f"executor: no worker at {self.address} (found 0); start one with 'dask worker'")
        here = versions()
        if other := {worker: theirs for worker, theirs in found.items() if theirs != here}:
            worker, theirs = next(iter(other.items()))
            differing = ", ".join(
                f"{name} {theirs.get(name)} not {here[name]}" for name in here if theirs.get(name) != here[name]
            )
            raise RunError(
                f"executor: a Dask worker of other versions ({worker}: {differing}); install the same on every worker"
            )
