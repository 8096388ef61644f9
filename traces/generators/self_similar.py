"""Bursts at every scale of time: many sources whose spells have no typical length."""

import numpy as np

from isim.traces.generators.alternating import alternate
from isim.traces.generators.linear_rate import LinearRate
from isim.traces.generators.parameters import check_parameters, duration
from isim.traces.generators.pareto import Pareto
from isim.traces.generators.process import Arrivals
from isim.traces.generators.rate_curve import arrivals_along


class SelfSimilar:
    """Superpose on/off sources whose spells and silences follow a Pareto law of tail index alpha = 3 - 2 hurst.

    Over long times the dispersion of the sum grows like t^(2 hurst - 1), for as long as one looks.

    Parameters
    ----------
    hurst
        Hurst parameter, more than 0.5 (no memory) and less than 1.
    sources
        How many; the more, the closer to fractional Gaussian noise.
    on_s, off_s
        Mean length of a spell of one source and of its silence, in seconds.

    Raises
    ------
    TraceError
        A parameter is out of range.

    Examples
    --------
    >>> len(SelfSimilar(hurst=0.8).arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=10**11))
    84054

    References
    ----------
    Willinger et al., Self-similarity through high-variability, IEEE/ACM Transactions on Networking 1997.
    """

    def __init__(self, hurst: float, sources: int = 50, on_s: float = 1.0, off_s: float = 4.0) -> None:
        check_parameters(
            "self-similar",
            hurst=(hurst, 0.5 < hurst < 1, "more than 0.5 and less than 1"),
            sources=(sources, 1 <= sources <= 10**6, "1 to 1,000,000"),
            on_s=duration(on_s),
            off_s=duration(off_s),
        )
        self.hurst = hurst
        self.sources = sources
        self.on_s = on_s
        self.off_s = off_s

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration)."""
        law, means_s, duration_s = Pareto(3 - 2 * self.hurst), (self.on_s, self.off_s), duration_ns / 1e9
        switches_s, changes, on = [np.zeros(1)], [np.zeros(1)], 0
        for _ in range(self.sources):
            ends_s, starts_on = alternate(rng, law, means_s, duration_s)
            ends_s = ends_s[ends_s < duration_s]
            on += starts_on
            switches_s.append(ends_s)
            changes.append(np.where((np.arange(len(ends_s)) % 2 == 0) == starts_on, -1.0, 1.0))
        times_s = np.concatenate(switches_s)
        order = np.argsort(times_s, kind="stable")
        active = on + np.cumsum(np.concatenate(changes)[order])
        edges_s = np.append(times_s[order], duration_s)
        lasting = np.diff(edges_s) > 0
        levels = active[lasting] * ((self.on_s + self.off_s) / self.on_s / self.sources)
        edges_s = np.append(edges_s[:-1][lasting], duration_s)
        return arrivals_along(LinearRate(edges_s, levels, levels), rng, rate_rps, duration_ns)
