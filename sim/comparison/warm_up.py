"""Where the start of a run ends and its steady state begins: MSER-5."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_BATCH = 5
_FEWEST = 10
"""Batches below which nothing can be told of a run."""
_LAST = 0.9
"""Of the range searched: an optimum beyond this part of it lies at its end, so that there is no optimum in it."""


class WarmUp(NamedTuple):
    """How much of a run to leave out."""

    end_s: float
    """The arrival of the first request that counts; 0 to keep all."""
    steady: bool
    """False if latency still drifts in the second half of the run, as in overload: there is no steady state."""


def warm_up(arrived_s: Floats, latency_s: Floats) -> WarmUp:
    """Find the end of the warm-up by the rule MSER-5.

    Latencies, in order of arrival, are averaged in batches of 5 to z_1 .. z_n; as many batches d <= n / 2 are left out
    as make sum_{i>d} (z_i - mean_{>d})^2 / (n - d)^2 smallest: the squared error of the mean of what is left. If that
    is smallest at the end of the range, more of the run would have to go than may, and nothing is left out.

    Parameters
    ----------
    arrived_s, latency_s
        Of the requests that finished, in any order.

    References
    ----------
    K. P. White, M. J. Cobb, S. C. Spratt, "A comparison of five steady-state truncation heuristics for simulation",
    Winter Simulation Conference 2000.

    Examples
    --------
    >>> latency_s = np.concatenate([np.linspace(9, 1, 100), np.tile([1.0, 1.1], 450)])
    >>> warm_up(np.arange(1000.0), latency_s)
    WarmUp(end_s=100.0, steady=True)
    >>> warm_up(np.arange(1000.0), np.arange(1000.0))
    WarmUp(end_s=0.0, steady=False)
    """
    order = np.argsort(arrived_s, kind="stable")
    batches = len(order) // _BATCH
    if batches < _FEWEST:
        return WarmUp(0.0, True)
    means = latency_s[order[: batches * _BATCH]].reshape(batches, _BATCH).mean(axis=1)
    error = mser(means)
    truncated = int(np.argmin(error))
    if truncated > _LAST * (len(error) - 1):
        return WarmUp(0.0, False)
    return WarmUp(float(arrived_s[order[truncated * _BATCH]]) if truncated else 0.0, True)


def mser(values: Floats) -> Floats:
    """Return the marginal standard error, squared, of what remains without the first d values, for d from 0 to n / 2.

    Examples
    --------
    >>> mser(np.array([3.0, 1.0, 1.0, 1.0])).tolist()
    [0.1875, 0.0, 0.0]
    """
    count = len(values) - np.arange(len(values) // 2 + 1)
    shifted = values - values.mean()  # keeps the difference of two large sums small
    total = np.cumsum(shifted[::-1])[::-1][: len(count)]
    squares = np.cumsum(shifted[::-1] ** 2)[::-1][: len(count)]
    return np.asarray(np.maximum(squares - total**2 / count, 0.0) / count**2)
