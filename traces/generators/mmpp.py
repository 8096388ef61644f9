"""Bursts and calm in turn: the two-state Markov-modulated Poisson process."""

import math
from typing import Self

import numpy as np

from isim.traces.generators.alternating import alternate
from isim.traces.generators.linear_rate import LinearRate
from isim.traces.generators.parameters import check_parameters, duration
from isim.traces.generators.poisson import Poisson
from isim.traces.generators.process import Arrivals
from isim.traces.generators.rate_curve import arrivals_along


class Mmpp:
    """Let Poisson arrivals come at a high rate during bursts and a low one in between, both of exponential length.

    With rates r1 (burst) and r2 (calm) left at rates s1 and s2, the mean is (r1 s2 + r2 s1) / (s1 + s2) and the index
    of dispersion over t is 1 + K (1 - (1 - exp(-s t)) / (s t)), s = s1 + s2,
    K = 2 s1 s2 (r1 - r2)^2 / (s^2 (r1 s2 + r2 s1)).

    Parameters
    ----------
    burst_ratio
        The rate during a burst over that in between, more than 1.
    burst_share
        Share of the time that bursts take, between 0 and 1.
    cycle_s
        Mean length of a burst and the calm after it, in seconds.

    Raises
    ------
    TraceError
        A parameter is out of range.

    Examples
    --------
    >>> process = Mmpp(burst_ratio=10, burst_share=0.1, cycle_s=20)
    >>> round(process.index_of_dispersion(rate_rps=200, time_s=1), 1)
    339.4

    References
    ----------
    Fischer and Meier-Hellstern, The Markov-modulated Poisson process cookbook, Performance Evaluation 1993.
    """

    def __init__(self, burst_ratio: float, burst_share: float, cycle_s: float) -> None:
        check_parameters(
            "mmpp",
            burst_ratio=(
                burst_ratio,
                1 < burst_ratio < math.inf,
                "more than 1, or choose 'on-off' for silence between",
            ),
            burst_share=(burst_share, 0 < burst_share < 1, "more than 0 and less than 1"),
            cycle_s=duration(cycle_s),
        )
        self.burst_ratio = burst_ratio
        self.burst_share = burst_share
        self.cycle_s = cycle_s

    @classmethod
    def from_rates(cls, burst_rps: float, calm_rps: float, burst_s: float, calm_s: float) -> tuple[Self, float]:
        """Return the process with these two rates and mean lengths of its states, and its mean rate.

        Examples
        --------
        >>> process, rate_rps = Mmpp.from_rates(burst_rps=200, calm_rps=20, burst_s=2, calm_s=8)
        >>> rate_rps, round(process.index_of_dispersion(rate_rps, time_s=10), 1)
        (56.0, 249.9)
        """
        cycle_s = burst_s + calm_s
        rate_rps = (burst_rps * burst_s + calm_rps * calm_s) / cycle_s
        return cls(burst_rps / calm_rps if calm_rps else math.inf, burst_s / cycle_s, cycle_s), rate_rps

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration).

        Examples
        --------
        >>> process = Mmpp(burst_ratio=10, burst_share=0.1, cycle_s=20)
        >>> process.arrivals_ns(np.random.default_rng(1), rate_rps=100, duration_ns=10**10).dtype
        dtype('int64')
        """
        means_s = (self.burst_share * self.cycle_s, (1 - self.burst_share) * self.cycle_s)
        stays = alternate(rng, Poisson(), means_s, duration_ns / 1e9)
        in_burst = (np.arange(len(stays.ends_s)) % 2 == 0) == stays.starts_in_first
        burst, calm = self._levels
        levels = np.where(in_burst, burst, calm)
        edges_s = np.concatenate([[0.0], stays.ends_s])
        return arrivals_along(LinearRate(edges_s, levels, levels), rng, rate_rps, duration_ns)

    def index_of_dispersion(self, rate_rps: float, time_s: float) -> float:
        """Return the variance over the mean of the number of arrivals within a time."""
        burst, calm = self._levels
        leaving_burst, leaving_calm = 1 / (self.burst_share * self.cycle_s), 1 / ((1 - self.burst_share) * self.cycle_s)
        total = leaving_burst + leaving_calm
        limit = 2 * leaving_burst * leaving_calm * rate_rps * (burst - calm) ** 2 / total**3
        return 1 + limit * (1 + math.expm1(-total * time_s) / (total * time_s))

    @property
    def _levels(self) -> tuple[float, float]:
        """The rates during a burst and in between, in units of the mean."""
        calm = 1 / (self.burst_share * self.burst_ratio + 1 - self.burst_share)
        return self.burst_ratio * calm, calm
