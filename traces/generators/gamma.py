"""Gamma gaps: bursts (CV above 1) or regularity (below 1) set by one number."""

import numpy as np
import numpy.typing as npt

from isim.traces.generators.renewal import renewal


def gamma(rng: np.random.Generator, rate_rps: float, duration_ns: int, *, cv: float) -> npt.NDArray[np.int64]:
    """Return arrivals in ns over [0, duration) with gamma gaps of shape 1/cv^2; their dispersion tends to cv^2.

    Parameters
    ----------
    rng
        What draws.
    rate_rps
        Long-run mean, in requests per second.
    duration_ns
        How long, in ns.
    cv
        Standard deviation over mean of the gaps, > 0; 1 is a Poisson process.

    Examples
    --------
    >>> len(gamma(np.random.default_rng(1), rate_rps=1000, duration_ns=10**9, cv=4))
    1053
    """
    shape, scale = cv**-2, cv**2
    # A gap under way at time 0 is long in proportion to its length: gamma of shape + 1, and we are anywhere in it.
    first = rng.random() * rng.standard_gamma(shape + 1) * scale
    return renewal(first, lambda count: rng.standard_gamma(shape, count) * scale, rate_rps, duration_ns, cv)
