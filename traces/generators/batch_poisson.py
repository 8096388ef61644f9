"""Requests that come in groups: a page with ten pictures, an upstream that flushes its buffer."""

from typing import Literal

import numpy as np

from isim.traces.generators.parameters import check_parameters
from isim.traces.generators.poisson import Poisson
from isim.traces.generators.process import Arrivals


class BatchPoisson:
    """Let groups of requests arrive at the instants of a Poisson process, of rate / size.

    The index of dispersion is E[B^2] / E[B] at every scale: `size` for groups of a fixed size, 2 size - 1 for
    geometric ones.

    Parameters
    ----------
    size
        Mean number of requests in a group, at least 1; a whole number if it is fixed.
    law
        `fixed`, or `geometric` (1, 2, 3, ... with ever the same chance of one more).

    Raises
    ------
    TraceError
        A parameter is out of range.

    Examples
    --------
    >>> BatchPoisson(size=3, law="fixed").arrivals_ns(np.random.default_rng(1), rate_rps=3000, duration_ns=2_000_000)
    array([1073029, 1073029, 1073029, 1381482, 1381482, 1381482])
    """

    def __init__(self, size: float, law: Literal["fixed", "geometric"] = "geometric") -> None:
        whole = law != "fixed" or float(size).is_integer()
        check_parameters(
            "batch-poisson",
            size=(
                size,
                1 <= size <= 1e6 and whole,
                f"{'a whole number from ' if law == 'fixed' else ''}1 to 1,000,000",
            ),
        )
        self.size = size
        self.law = law

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration)."""
        instants_ns = Poisson().arrivals_ns(rng, rate_rps / self.size, duration_ns)
        sizes = int(self.size) if self.law == "fixed" else rng.geometric(1 / self.size, len(instants_ns))
        return np.repeat(instants_ns, sizes)
