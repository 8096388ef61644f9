"""Fit exponential gaps: the law that every other one must beat."""

import math

import numpy as np

from isim.traces.fit.gap_fit import Floats, GapFit, ks_distance


def fit_poisson(gaps_s: Floats) -> GapFit:
    """Return the exponential law of the same mean.

    Parameters
    ----------
    gaps_s
        At least one, > 0, in seconds.

    Examples
    --------
    >>> fit_poisson(np.array([1.0, 2.0, 3.0])).parameters
    {'rate_rps': 0.5}
    """
    mean_s = float(gaps_s.mean())
    log_likelihood = -len(gaps_s) * (1 + math.log(mean_s))
    ks = ks_distance(gaps_s, lambda gap: -np.expm1(-gap / mean_s))
    return GapFit("poisson", "mle", {"rate_rps": 1 / mean_s}, 1.0, log_likelihood, ks)
