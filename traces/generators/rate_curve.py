"""A rate that changes over time, and requests that arrive at it."""

from typing import Protocol

import numpy as np

from isim.traces.generators.poisson import Poisson
from isim.traces.generators.process import Arrivals, Floats
from isim.traces.generators.renewal import Renewal


class RateCurve(Protocol):
    """A rate over time, in units of its long-run mean."""

    def area_s(self, time_s: Floats) -> Floats:
        """Return the rate integrated from 0 to each time, in seconds at the mean rate."""
        ...

    def time_s(self, area_s: Floats) -> Floats:
        """Return when the integral reaches each value: the inverse of `area_s`."""
        ...


def arrivals_along(
    curve: RateCurve, rng: np.random.Generator, rate_rps: float, duration_ns: int, gaps: Renewal | None = None
) -> Arrivals:
    """Return arrivals in ns over [0, duration) that follow a rate curve: exactly so, by inverting its integral.

    Parameters
    ----------
    gaps
        The law of the gaps, which pass slowly where the rate is low and fast where it is high. Exponential ones, if
        left out, make a non-homogeneous Poisson process; others keep the rate curve and the law's burstiness.

    Examples
    --------
    >>> from isim.traces.generators.linear_rate import LinearRate
    >>> ramp = LinearRate(np.array([0.0, 10.0]), np.array([0.0]), np.array([2.0]))
    >>> arrival_ns = arrivals_along(ramp, np.random.default_rng(1), rate_rps=100, duration_ns=10**10)
    >>> np.histogram(arrival_ns, [0, 5 * 10**9, 10**10])[0]
    array([254, 737])

    References
    ----------
    Çinlar, Introduction to Stochastic Processes, 1975; Gerhardt and Nelson, Transforming renewal processes for
    simulation of nonstationary arrival processes, INFORMS Journal on Computing 2009.
    """
    end = rate_rps * float(curve.area_s(np.array([duration_ns / 1e9]))[0])
    times = (gaps or Poisson()).until(rng, end)
    times = times[: int(np.searchsorted(times, end))]
    arrival_ns = np.asarray(curve.time_s(times / rate_rps) * 1e9).astype(np.int64)
    return arrival_ns[: int(np.searchsorted(arrival_ns, duration_ns))]
