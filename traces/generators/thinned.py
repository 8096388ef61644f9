"""A Poisson process whose rate is any function of time: candidates at the highest rate, most of them thrown away."""

from collections.abc import Callable

import numpy as np

from isim.errors import TraceError
from isim.traces.generators.parameters import check_parameters
from isim.traces.generators.poisson import Poisson
from isim.traces.generators.process import Arrivals, Floats


class Thinned:
    """Keep each candidate of a Poisson process with probability shape(t) / ceiling.

    Only from Python: a function cannot be given as text. Where the integral of the rate is known, a rate curve needs
    no candidates.

    Parameters
    ----------
    shape
        Returns the rate at each time (an array, in seconds), in units of the long-run mean: its mean should be 1.
    ceiling
        The most that `shape` returns, more than 0.

    Raises
    ------
    TraceError
        The ceiling is not positive; or, when it draws, the shape is negative, above the ceiling or not a number.

    Examples
    --------
    >>> process = Thinned(lambda time_s: 1.5 * (time_s % 3 < 2), ceiling=1.5)
    >>> arrivals = process.arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=3 * 10**9)
    >>> np.histogram(arrivals, bins=3, range=(0, 3e9))[0]
    array([1496, 1543,    0])

    References
    ----------
    Lewis and Shedler, Simulation of nonhomogeneous Poisson processes by thinning, Naval Research Logistics 1979.
    """

    def __init__(self, shape: Callable[[Floats], Floats], ceiling: float) -> None:
        check_parameters("thinned", ceiling=(ceiling, 0 < ceiling < np.inf, "more than 0 and finite"))
        self.shape = shape
        self.ceiling = ceiling

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration)."""
        candidates_ns = Poisson().arrivals_ns(rng, rate_rps * self.ceiling, duration_ns)
        shape = np.asarray(self.shape(candidates_ns / 1e9), dtype=np.float64)
        bad = ~((shape >= 0) & (shape <= self.ceiling))
        if bad.any():
            at = int(bad.argmax())
            raise TraceError(
                f"arrival process thinned: the shape leaves 0 to the ceiling {self.ceiling:g} "
                f"(found {shape[at]:g} at {candidates_ns[at] / 1e9:g} s); raise the ceiling or correct the function"
            )
        return candidates_ns[rng.random(len(shape)) * self.ceiling < shape]
