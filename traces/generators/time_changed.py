"""The base of processes whose rate follows a curve: any curve, with gaps of any law."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from isim.traces.generators.gamma import Gamma
from isim.traces.generators.hyperexponential import Hyperexponential
from isim.traces.generators.lognormal import Lognormal
from isim.traces.generators.poisson import Poisson
from isim.traces.generators.process import Arrivals
from isim.traces.generators.rate_curve import RateCurve, arrivals_along
from isim.traces.generators.renewal import Renewal
from isim.traces.generators.weibull import Weibull

Law = Literal["gamma", "weibull", "lognormal", "hyperexponential"]
_LAWS: Mapping[Law, Callable[[float], Renewal]] = {
    "gamma": Gamma,
    "weibull": Weibull,
    "lognormal": Lognormal,
    "hyperexponential": Hyperexponential,
}


class TimeChanged(ABC):
    """Let a renewal process run fast where a curve is high and slow where it is low; a subclass is a curve.

    Parameters
    ----------
    cv
        Standard deviation over mean of the gaps, were the rate constant; 1 gives a Poisson process for every law.
    law
        Of the gaps: `gamma`, `weibull`, `lognormal` or `hyperexponential`.

    Raises
    ------
    TraceError
        The law has no such CV.

    Examples
    --------
    >>> from isim.traces.generators.linear_rate import LinearRate
    >>> class Half(TimeChanged):
    ...     def curve(self, duration_s):
    ...         return LinearRate(np.array([0, duration_s / 2, duration_s]), np.array([2.0, 0]), np.array([2.0, 0]))
    >>> int(Half().arrivals_ns(np.random.default_rng(1), rate_rps=100, duration_ns=10**9).max()) < 5 * 10**8
    True
    """

    def __init__(self, cv: float = 1.0, law: Law = "gamma") -> None:
        self.cv = cv
        self.law = law
        self._gaps: Renewal = Poisson() if cv == 1 and law != "lognormal" else _LAWS[law](cv)

    @abstractmethod
    def curve(self, duration_s: float) -> RateCurve:
        """Return the rate over time, of mean 1 over the duration or, if it repeats, over its period."""

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration)."""
        return arrivals_along(self.curve(duration_ns / 1e9), rng, rate_rps, duration_ns, self._gaps)
