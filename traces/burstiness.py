"""Measure how bursty arrivals are, on one time scale or over many."""

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
_SECOND_NS = 1_000_000_000
_LEAST_WINDOWS = 8


def occupied_windows(arrival_ns: Times, windows: int, width_ns: int) -> tuple[Times, Times]:
    """Return which of the first `windows` windows hold arrivals and how many; empty ones are not listed.

    Examples
    --------
    >>> occupied_windows(np.array([0, 1, 9, 25, 31]), windows=3, width_ns=10)
    (array([0, 2]), array([3, 1]))
    """
    which = arrival_ns[: np.searchsorted(arrival_ns, windows * width_ns)] // width_ns
    first = np.flatnonzero(np.diff(which, prepend=-1))
    return which[first], np.diff(first, append=len(which))


def index_of_dispersion(arrival_ns: Times, duration_ns: int, width_ns: int) -> float | None:
    """Return variance over mean of the counts in the whole windows of `width_ns`; None if these are fewer than two.

    The variance is the unbiased one.

    Examples
    --------
    >>> index_of_dispersion(np.array([0, 1, 2, 3]), duration_ns=20, width_ns=10)
    4.0
    """
    windows = duration_ns // width_ns
    _, counts = occupied_windows(arrival_ns, windows, width_ns)
    total = int(counts.sum())
    if windows < 2 or total == 0:
        return None
    squares = float(np.sum(counts.astype(float) ** 2))
    return (squares / total - total / windows) * windows / (windows - 1)


def dispersion_curve(arrival_ns: Times, duration_ns: int) -> list[tuple[float, float]]:
    """Return (window in s, index of dispersion), from a millisecond on by 1, 2, 5, 10, to an eighth of the time.

    Windows so short that they hold less than one arrival in a hundred on average are left out: there it is 1.

    Examples
    --------
    >>> [width_s for width_s, _ in dispersion_curve(np.arange(0, 10**9, 10**7), 10**9)]
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]
    """
    curve = []
    for width_ns in (digit * 10**power for power in range(6, 18) for digit in (1, 2, 5)):
        if width_ns * _LEAST_WINDOWS > duration_ns:
            break
        index = index_of_dispersion(arrival_ns, duration_ns, width_ns)
        if index is not None and len(arrival_ns) * width_ns >= duration_ns / 100:
            curve.append((width_ns / 1e9, index))
    return curve


def dispersion_within_minutes(arrival_ns: Times, duration_ns: int) -> float | None:
    """Return the index of dispersion of 1 s inside a minute, averaged over the whole minutes that hold arrivals.

    What changes from minute to minute does not count: a Poisson process of slowly varying rate has 1.

    Examples
    --------
    >>> dispersion_within_minutes(np.arange(120) * 10**9, 120 * 10**9)
    0.0
    """
    minutes = duration_ns // (60 * _SECOND_NS)
    seconds, counts = occupied_windows(arrival_ns, minutes * 60, _SECOND_NS)
    minute, first = np.unique(seconds // 60, return_index=True)
    if not len(minute):
        return None
    totals = np.add.reduceat(counts, first)
    squares = np.add.reduceat(counts.astype(float) ** 2, first)
    return float(np.mean((squares / totals - totals / 60) * 60 / 59))


def autocorrelation(gaps: npt.NDArray[np.float64], lags: int) -> list[float] | None:
    """Return the correlation of gaps with those 1, 2, ... `lags` later; None of too few or equal ones.

    Examples
    --------
    >>> [round(value, 2) for value in autocorrelation(np.array([1.0, 3.0] * 500), 2)]
    [-1.0, 1.0]
    """
    centred = gaps - gaps.mean() if len(gaps) > lags + 1 else np.zeros(1)
    power = float(centred @ centred)
    if not power:
        return None
    return [float(centred[lag:] @ centred[:-lag]) / power for lag in range(1, lags + 1)]


def hurst(arrival_ns: Times, duration_ns: int) -> float | None:
    """Return the Hurst exponent by aggregated variance, of counts per second; None below 64 s.

    The variance of the means of m counts falls as m^(2 H - 2); H is read off a straight line through m = 1, 2, 4, ...
    as long as 8 means are left. 0.5 is a process without long memory. Changes of the rate raise it too.

    References
    ----------
    Taqqu, Teverovsky and Willinger, Estimators for long-range dependence, Fractals 1995.

    Examples
    --------
    >>> arrival_ns = np.sort(np.random.default_rng(1).integers(0, 10**13, 10**5))
    >>> round(hurst(arrival_ns, 10**13), 1)
    0.5
    """
    seconds = duration_ns // _SECOND_NS
    which, counts = occupied_windows(arrival_ns, seconds, _SECOND_NS)
    if seconds < 8 * _LEAST_WINDOWS or seconds > 10**9:
        return None
    dense = np.zeros(seconds)
    dense[which] = counts
    sizes, variances = [], []
    size = 1
    while seconds // size >= _LEAST_WINDOWS:
        means = dense[: seconds // size * size].reshape(-1, size).mean(axis=1)
        sizes.append(size)
        variances.append(float(means.var()))
        size *= 2
    if min(variances) <= 0:
        return None
    slope = np.polyfit(np.log(sizes), np.log(variances), 1)[0]
    return float(1 + slope / 2)
