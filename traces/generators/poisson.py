"""The Poisson process: independent users, none of whom knows of the others."""

import numpy as np

from isim.traces.generators.process import Floats
from isim.traces.generators.renewal import Renewal


class Poisson(Renewal):
    """Draw exponential gaps: CV 1, index of dispersion 1, no memory.

    Examples
    --------
    >>> len(Poisson().arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=10**9))
    991
    """

    gap_cv = 1.0

    def gaps(self, rng: np.random.Generator, count: int) -> Floats:
        """Draw so many gaps, in units of their mean."""
        return rng.standard_exponential(count)

    def first(self, rng: np.random.Generator) -> float:
        """Draw what is left of a gap: without memory, as long as any."""
        return rng.standard_exponential()
