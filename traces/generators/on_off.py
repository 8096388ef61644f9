"""Requests in spells, with silence between: the Markov on/off source."""

import numpy as np

from isim.traces.generators.alternating import alternate
from isim.traces.generators.linear_rate import LinearRate
from isim.traces.generators.parameters import check_parameters, duration
from isim.traces.generators.poisson import Poisson
from isim.traces.generators.process import Arrivals
from isim.traces.generators.rate_curve import arrivals_along


class OnOff:
    """Let Poisson arrivals come while a source is on and none while it is off, both of exponential length.

    While on, they come at rate x (on + off) / on = r. The gaps are independent; their squared CV is
    1 + 2 r / on / (1/on + 1/off)^2.

    Parameters
    ----------
    on_s, off_s
        Mean length of a spell and of the silence after it, in seconds.

    Raises
    ------
    TraceError
        A parameter is out of range.

    Examples
    --------
    >>> len(OnOff(on_s=0.2, off_s=0.8).arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=10**11))
    89355

    References
    ----------
    Kuczura, The interrupted Poisson process as an overflow process, Bell System Technical Journal 1973.
    """

    def __init__(self, on_s: float, off_s: float) -> None:
        check_parameters("on-off", on_s=duration(on_s), off_s=duration(off_s))
        self.on_s = on_s
        self.off_s = off_s

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration)."""
        stays = alternate(rng, Poisson(), (self.on_s, self.off_s), duration_ns / 1e9)
        on = (np.arange(len(stays.ends_s)) % 2 == 0) == stays.starts_in_first
        levels = np.where(on, (self.on_s + self.off_s) / self.on_s, 0.0)
        edges_s = np.concatenate([[0.0], stays.ends_s])
        return arrivals_along(LinearRate(edges_s, levels, levels), rng, rate_rps, duration_ns)
