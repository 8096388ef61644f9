"""One slowdown for everyone who is not alone."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numba import njit

from isim.contention.contract import SPEEDS, Floats
from isim.errors import ContentionError
from isim.operations import Operations


@njit(SPEEDS, cache=True)
def _speeds(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = 1.0 if count == 1 else 1.0 / parameters[0]


class Constant:
    """Slow every kernel by the same factor while at least one other kernel runs.

    Parameters
    ----------
    slowdown
        The factor, from 1 to a million.

    Raises
    ------
    ContentionError
        The slowdown is below 1 or above a million.

    Examples
    --------
    >>> Constant(slowdown=1.5).parameters
    array([1.5])
    """

    name = "constant"
    search: ClassVar[Mapping[str, tuple[float, ...]]] = {"slowdown": (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5)}
    speeds = staticmethod(_speeds)

    def __init__(self, slowdown: float = 1.5) -> None:
        if not 1.0 <= slowdown <= 1e6:
            raise ContentionError(
                f"contention constant: slowdown must be at least 1 and at most 1e6 (got {slowdown}); write slowdown=1.5"
            )
        self.slowdown = slowdown

    @property
    def parameters(self) -> Floats:
        """The slowdown."""
        return np.array([self.slowdown])

    def demand(self, operations: Operations) -> Floats:
        """Need no column."""
        return np.zeros((len(operations.kinds), 1))
