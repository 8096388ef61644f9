"""The Poisson process: independent users, none of whom knows of the others."""

import numpy as np
import numpy.typing as npt

from isim.traces.generators.renewal import renewal


def poisson(rng: np.random.Generator, rate_rps: float, duration_ns: int) -> npt.NDArray[np.int64]:
    """Return arrivals in ns over [0, duration) with exponential gaps: CV 1, index of dispersion 1.

    Parameters
    ----------
    rng
        What draws.
    rate_rps
        Long-run mean, in requests per second.
    duration_ns
        How long, in ns.

    Examples
    --------
    >>> len(poisson(np.random.default_rng(1), rate_rps=1000, duration_ns=10**9))
    991
    """
    return renewal(rng.standard_exponential(), rng.standard_exponential, rate_rps, duration_ns, 1.0)
