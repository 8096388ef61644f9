"""Fit bursts and calm in turn: the two-state Markov-modulated Poisson process."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isim.traces.fit.gap_fit import Floats, GapFit, ks_distance
from isim.traces.fit.on_off_fit import fit_on_off


class _States(NamedTuple):
    """Arrival rates of the two states, and the rates at which they are left."""

    burst_rps: float
    calm_rps: float
    leaving_burst: float
    leaving_calm: float


_TEN_FOLD = _States(10.0, 0.1, 1.0, 0.1)
"""Where the mean gap is 1."""


def fit_mmpp(gaps_s: Floats) -> GapFit:
    """Return the process under which the sequence of gaps is likeliest; unlike other fits, it looks at their order.

    The likelihood is a product of one 2 x 2 matrix a gap, exp((Q - L) gap) L, taken pairwise; it is climbed from the
    best on-off process by the simplex method, or, where gaps as short as no time make that one endless bursts, from
    bursts of ten times the mean rate.

    Parameters
    ----------
    gaps_s
        At least two different ones, > 0, in seconds, in order of time.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> stays = [rng.exponential(1 / rate, 500) for _ in range(40) for rate in (100, 10)]
    >>> round(fit_mmpp(np.concatenate(stays)).parameters["burst_ratio"])
    10

    References
    ----------
    Fischer and Meier-Hellstern, The Markov-modulated Poisson process cookbook, Performance Evaluation 1993.
    """
    from scipy.optimize import minimize

    unit_s = float(gaps_s.mean())
    gaps = gaps_s / unit_s
    result = minimize(
        lambda logs: -_log_likelihood(_States(*np.exp(logs)), gaps),
        np.log(_start(gaps)),
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-4, "maxiter": 600},
    )
    found = _States(*np.exp(result.x).tolist())
    if found.burst_rps < found.calm_rps:
        found = _States(found.calm_rps, found.burst_rps, found.leaving_calm, found.leaving_burst)
    share = found.leaving_calm / (found.leaving_burst + found.leaving_calm)
    parameters = {
        "rate_rps": (share * found.burst_rps + (1 - share) * found.calm_rps) / unit_s,
        "burst_ratio": found.burst_rps / found.calm_rps,
        "burst_share": share,
        "cycle_s": (1 / found.leaving_burst + 1 / found.leaving_calm) * unit_s,
    }
    log_likelihood = -float(result.fun) - len(gaps) * math.log(unit_s)
    cv, ks = _marginal(found, gaps)
    return GapFit("mmpp", "mle", parameters, cv, log_likelihood, ks)


def _start(gaps: Floats) -> _States:
    """Begin at the on-off process, with a few arrivals in the calm."""
    found = fit_on_off(gaps).parameters
    share, cycle = found["burst_share"], found["cycle_s"]
    peak = found["rate_rps"] / share
    states = _States(peak, 0.05 * peak, 1 / (share * cycle), 1 / ((1 - share) * cycle))
    return states if math.isfinite(_log_likelihood(states, gaps)) else _TEN_FOLD


def _spectrum(states: _States) -> tuple[float, float, npt.NDArray[np.float64]]:
    """Return the eigenvalues of D0 = Q - L, greater first, and D0 itself."""
    d0 = np.array(
        [
            [-states.leaving_burst - states.burst_rps, states.leaving_burst],
            [states.leaving_calm, -states.leaving_calm - states.calm_rps],
        ]
    )
    middle = (d0[0, 0] + d0[1, 1]) / 2
    half = math.sqrt(((d0[0, 0] - d0[1, 1]) / 2) ** 2 + d0[0, 1] * d0[1, 0])
    return middle + half, middle - half, d0


def _log_likelihood(states: _States, gaps: Floats) -> float:
    great, small, d0 = _spectrum(states)
    if not all(map(math.isfinite, (great, small))) or great - small < 1e-12 * abs(small):
        return -math.inf
    # exp(D0 x) = [e^(gx) (D0 - s I) - e^(sx) (D0 - g I)] / (g - s)
    identity = np.eye(2)
    rates = np.array([states.burst_rps, states.calm_rps])
    first = (d0 - small * identity) * rates / (great - small)
    second = (d0 - great * identity) * rates / (great - small)
    products = np.exp(great * gaps)[:, None, None] * (first - np.exp((small - great) * gaps)[:, None, None] * second)
    logs = 0.0
    while len(products) > 1:
        if len(products) % 2:
            products = np.concatenate([products, identity[None]])
        products = products[0::2] @ products[1::2]
        size = products.max(axis=(1, 2))
        if not (size > 0).all() or not np.isfinite(size).all():
            return -math.inf
        logs += float(np.log(size).sum())
        products /= size[:, None, None]
    return logs + math.log(max(float((_at_arrivals(states) @ products[0]).sum()), 1e-300))


def _at_arrivals(states: _States) -> Floats:
    """Return the probabilities of the states just after an arrival."""
    share = states.leaving_calm / (states.leaving_burst + states.leaving_calm)
    weights = np.array([share * states.burst_rps, (1 - share) * states.calm_rps])
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _marginal(states: _States, gaps: Floats) -> tuple[float, float]:
    """Return the CV of one gap and its distance from the gaps; its survival is p exp(D0 x) 1."""
    great, small, d0 = _spectrum(states)
    at = _at_arrivals(states)
    a = float((at @ (d0 - small * np.eye(2))).sum() / (great - small))
    b = float(-(at @ (d0 - great * np.eye(2))).sum() / (great - small))
    mean, second = -a / great - b / small, 2 * (a / great**2 + b / small**2)
    ks = ks_distance(gaps, lambda gap: 1 - a * np.exp(great * gap) - b * np.exp(small * gap))
    return math.sqrt(max(second / mean**2 - 1, 0.0)), ks
