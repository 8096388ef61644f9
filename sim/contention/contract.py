"""The contract of a contention model: how fast does every kernel that runs now run, given the others."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from numba import float64, int64, types, void

from isim.operations import Operations

Floats = npt.NDArray[np.float64]

SPEEDS = void(int64[::1], int64, float64[:, ::1], float64[::1], float64[::1])
"""The signature every model's `speeds` is compiled for: (running, count, demand, parameters, speed)."""

SPEEDS_POINTER = types.FunctionType(SPEEDS)


class ContentionModel(Protocol):
    """The simulated hardware's truth: the speed of each running kernel, from the demands of all of them.

    A model is built by keyword parameters that it stores under the same names. A lone kernel must have speed 1.
    """

    name: str
    speeds: Callable[..., Any]
    """Compiled for `SPEEDS`: writes speed[0:count] in (0, 1] for the operations running[0:count], which stand in the
    order in which they started (ties by batch id); demand[operation] is the row that `demand` gave it."""

    @property
    def parameters(self) -> Floats:
        """What `speeds` receives as its parameters."""
        ...

    def demand(self, operations: Operations) -> Floats:
        """Return one row of demands an operation, from the columns the model needs.

        Raises
        ------
        ContentionError
            A column the model needs is not measured; counts the operations and names the column.
        """
        ...
