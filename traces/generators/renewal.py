"""Arrivals whose gaps are independent draws of one law."""

from abc import ABC, abstractmethod

import numpy as np

from isim.traces.generators.process import Arrivals, Floats

_WIDEST = 10.0
"""A larger deviation than this would reserve more memory for a block than it saves in blocks."""


class Renewal(ABC):
    """Draw independent gaps of one law of mean 1, stretched to the rate; a subclass is a law.

    The process is in equilibrium from the first moment on: the first arrival is drawn from the law of a gap already
    under way, so that the expected number of arrivals is exactly rate x duration in every interval.

    Examples
    --------
    >>> class Equal(Renewal):
    ...     gap_cv = 0.0
    ...     def gaps(self, rng, count):
    ...         return np.ones(count)
    ...     def first(self, rng):
    ...         return rng.random()
    >>> np.diff(Equal().arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=4_000_000))
    array([1000000, 1000000, 1000000])
    >>> len(Equal().until(np.random.default_rng(1), 3)) > 3
    True
    """

    @property
    @abstractmethod
    def gap_cv(self) -> float:
        """Standard deviation over mean of the gaps; may be infinite."""

    @abstractmethod
    def gaps(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw so many gaps, in units of their mean."""

    @abstractmethod
    def first(self, rng: np.random.Generator) -> float:
        """Draw what is left of the gap under way when observation starts, in mean gaps."""

    def until(self, rng: np.random.Generator, end: float) -> Floats:
        """Return arrivals in mean gaps, ascending; those up to `end` and then some."""
        last = self.first(rng)
        blocks = [np.array([last])]
        while last < end:
            left = end - last
            times = self.gaps(rng, int(left + 4 * min(self.gap_cv, _WIDEST) * left**0.5) + 16)
            np.cumsum(times, out=times)
            times += last
            blocks.append(times)
            last = float(times[-1])
        return blocks[-1] if len(blocks) == 1 else np.concatenate(blocks)

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration)."""
        mean_gap_ns = 1e9 / rate_rps
        times = self.until(rng, duration_ns / mean_gap_ns)
        times *= mean_gap_ns
        times = times[: int(np.searchsorted(times, duration_ns))]  # what lies far beyond may not fit 64 bits
        return times.astype(np.int64)
