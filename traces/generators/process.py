"""What an arrival process is: the contract that `isim trace make` and `isim run --arrivals` rely on."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Arrivals = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@runtime_checkable
class ArrivalProcess(Protocol):
    """Draw when requests arrive; its parameters are arguments of its class, stored under the same names."""

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration), ascending.

        Parameters
        ----------
        rng
            What draws; nothing else is random.
        rate_rps
            Long-run mean, in requests per second.
        duration_ns
            How long, in ns.
        """
        ...


@runtime_checkable
class Coordinated(Protocol):
    """A process that treats the models that share a load differently, such as by phases that never meet."""

    def for_models(self, rates_rps: Mapping[str, float]) -> Mapping[str, ArrivalProcess]:
        """Return the process of each model, given the rates of all in requests per second."""
        ...
