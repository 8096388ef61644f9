"""Fit gamma gaps, by maximum likelihood or by their moments."""

import math

import numpy as np

from isim.traces.fit.gap_fit import Floats, GapFit, ks_distance

_LEAST_CV = 1e-4  # below, the likelihood differs by less than it is rounded


def fit_gamma(gaps_s: Floats, method: str = "mle") -> GapFit:
    """Return the gamma law of gaps.

    The likelihood looks at the body of the distribution: of gaps with rare, long silences it gives a far smaller CV
    than they have. The moments keep mean and CV, whatever the body looks like.

    Parameters
    ----------
    gaps_s
        At least one, > 0, in seconds.
    method
        `mle` or `moments`.

    Examples
    --------
    >>> gaps_s = np.random.default_rng(1).gamma(0.25, 0.04, 100_000)
    >>> [round(fit_gamma(gaps_s, method).cv, 1) for method in ("mle", "moments")]
    [2.0, 2.0]
    """
    from scipy.special import gammainc

    mean_s = float(gaps_s.mean())
    shape = mean_s**2 / max(float(gaps_s.var()), _LEAST_CV**2 * mean_s**2)
    if method == "mle" and shape < _LEAST_CV**-2:
        shape = _likeliest_shape(gaps_s)
    scale_s = mean_s / shape
    log_likelihood = (shape - 1) * float(np.log(gaps_s).sum()) - len(gaps_s) * (
        shape + math.lgamma(shape) + shape * math.log(scale_s)
    )
    ks = ks_distance(gaps_s, lambda gap: gammainc(shape, gap / scale_s))
    return GapFit("gamma", method, {"shape": shape, "scale_s": scale_s}, shape**-0.5, log_likelihood, ks)


def _likeliest_shape(gaps_s: Floats) -> float:
    """Solve log k - digamma(k) = log(mean) - mean(log), whose left side falls from infinity to 0."""
    from scipy.optimize import brentq
    from scipy.special import digamma

    wanted = math.log(gaps_s.mean()) - float(np.log(gaps_s).mean())

    def excess(log_shape: float) -> float:
        return log_shape - float(digamma(math.exp(log_shape))) - wanted

    # 1 / (2 k) < log k - digamma(k) < 1 / k holds for every k > 0.
    return math.exp(brentq(excess, math.log(0.4 / wanted), math.log(1.1 / wanted)))
