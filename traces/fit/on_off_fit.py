"""Fit an on-off process: Poisson arrivals during bursts, none in between."""

import math

import numpy as np

from isim.traces.fit.gap_fit import Floats, GapFit, ks_distance

_ROUNDS = 2000
_CONVERGED = 1e-9


def fit_on_off(gaps_s: Floats) -> GapFit:
    """Return the on-off process whose gaps are likeliest.

    Its gaps are independent and hyper-exponential: with probability p of rate a, else of rate b. The likelihood is
    climbed by expectation and maximisation; from p, a and b follow the peak rate p a + (1 - p) b, the rate at which
    silence ends, a b / peak, and that at which it begins, a + b less these two.

    Parameters
    ----------
    gaps_s
        At least two different ones, > 0, in seconds.

    References
    ----------
    Fischer and Meier-Hellstern, The Markov-modulated Poisson process cookbook, Performance Evaluation 1993, 1.4.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> gaps_s = rng.exponential(np.where(rng.random(100_000) < 0.99, 0.01, 8))
    >>> found = fit_on_off(gaps_s).parameters
    >>> {name: round(value, 2) for name, value in found.items()}
    {'rate_rps': 11.21, 'burst_share': 0.11, 'cycle_s': 8.95}
    """
    fast, slow, share = _hyperexponential(gaps_s)
    peak = share * fast + (1 - share) * slow
    on_again = fast * slow / peak
    off = max(fast + slow - peak - on_again, 1e-12 * peak)
    burst_share = on_again / (on_again + off)
    parameters = {"rate_rps": peak * burst_share, "burst_share": burst_share, "cycle_s": 1 / on_again + 1 / off}
    mean_s = share / fast + (1 - share) / slow
    second = 2 * (share / fast**2 + (1 - share) / slow**2)
    ks = ks_distance(gaps_s, lambda gap: 1 - share * np.exp(-fast * gap) - (1 - share) * np.exp(-slow * gap))
    log_likelihood = float(np.log(_density(gaps_s, fast, slow, share).sum(axis=0)).sum())
    return GapFit("on-off", "mle", parameters, math.sqrt(max(second / mean_s**2 - 1, 0)), log_likelihood, ks)


def _hyperexponential(gaps_s: Floats) -> tuple[float, float, float]:
    """Return the two rates and the share of the faster."""
    ordered = np.sort(gaps_s)
    start = max(1, len(ordered) * 9 // 10)
    share = start / len(ordered)
    fast, slow = 1 / ordered[:start].mean(), 1 / max(ordered[start:].mean(), 1e-300)
    before = -math.inf
    for _ in range(_ROUNDS):
        densities = _density(gaps_s, fast, slow, share)
        total = densities.sum(axis=0)
        now = float(np.log(total).sum())
        if now - before < _CONVERGED * abs(now):
            break
        before = now
        fast_share = densities[0] / total
        share = float(np.clip(fast_share.mean(), 1e-9, 1 - 1e-9))
        fast = float(fast_share.sum() / (fast_share * gaps_s).sum())
        slow = float((1 - fast_share).sum() / max(((1 - fast_share) * gaps_s).sum(), 1e-300))
    return (fast, slow, share) if fast > slow else (slow, fast, 1 - share)


def _density(gaps_s: Floats, fast: float, slow: float, share: float) -> Floats:
    return np.maximum([share * fast * np.exp(-fast * gaps_s), (1 - share) * slow * np.exp(-slow * gaps_s)], 1e-300)
