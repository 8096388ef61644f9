"""The contract of a gate: which kernels of batches that are not urgent may start beside the kernels that run now.

A policy that has a `gate` decides about every such kernel, by a compiled rule: Python is never asked about kernels.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numba import boolean, float64, int64, njit, types

from isim.policies.kernels import Floats, Kernels

MAY_START = boolean(int64, int64[::1], float64[::1], int64, int64, int64, float64[:, ::1], float64[::1])
"""The signature every gate's `may_start` is compiled for: (wanted, phases, left_s, running, count, low, traits,
parameters)."""

MAY_START_POINTER = types.FunctionType(MAY_START)


@njit(MAY_START, cache=True)
def always(wanted, phases, left_s, running, count, low, traits, parameters):  # type: ignore[no-untyped-def]
    """Hold nothing."""
    return True


class Gate(Protocol):
    """Holds kernels of batches that are not urgent at their start.

    A batch is urgent if it was dispatched with a priority above 0. Whenever a kernel starts or ends, or a batch comes
    or goes, the rule is asked about each kernel that is held or wants to start, oldest batch first. A kernel beside
    which nothing runs and no urgent batch is on the GPU is never held, and not asked about.
    """

    name: str
    may_start: Callable[..., Any]
    """Compiled for `MAY_START`: says whether the kernel of phase `wanted` may start. phases[0:running] are those of the
    kernels that run, urgent ones first, and left_s[0:running] the work that is left of each, seconds; then, up to
    count, come urgent batches between two kernels. Phases below `low` are of urgent batches. traits[phase] is the row
    that `traits` gave a kernel; between two kernels that of the one that ended, and NaN before the first."""

    @property
    def parameters(self) -> Floats:
        """What `may_start` receives as its parameters."""
        ...

    def traits(self, kernels: Kernels) -> Floats:
        """Return one row a kernel of a profiled batch, shape (operations, traits)."""
        ...


class NoGate:
    """Hold nothing, for a policy that has no gate.

    Examples
    --------
    >>> NoGate().name
    'none'
    """

    name = "none"
    may_start = staticmethod(always)

    @property
    def parameters(self) -> Floats:
        """None."""
        return np.zeros(0)

    def traits(self, kernels: Kernels) -> Floats:
        """None."""
        return np.zeros((len(kernels.duration_s), 0))
