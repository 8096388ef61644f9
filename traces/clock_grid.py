"""Find the grid on which a coarse clock put the arrivals of a trace."""

import numpy as np
import numpy.typing as npt

_LEAST_INSTANTS = 8
_TOLERANCE = 0.01
_ON_GRID = 0.99


def clock_grid_ns(arrival_ns: npt.NDArray[np.int64]) -> int | None:
    """Return the tick of the clock that took the times, in ns; None if there are too few distinct times to tell.

    It is the longest tick of which at least 99 % of the gaps between distinct times are multiples, within 1 % of the
    tick: a clock of 3 s that is read in milliseconds may say 2.999 s. If there is none, it is the greatest common
    divisor of the gaps.

    Parameters
    ----------
    arrival_ns
        Ascending times.

    Examples
    --------
    >>> clock_grid_ns(np.repeat(np.arange(9) * 3_000_000_000 + np.arange(9) % 2 * 1_000_000, 5))
    3000000000
    """
    gaps = np.diff(arrival_ns)
    gaps = gaps[gaps > 0]
    if len(gaps) < _LEAST_INSTANTS - 1:
        return None
    exact = int(np.gcd.reduce(gaps))
    shortest = float(np.quantile(gaps, 0.05, method="lower"))
    tick = float(gaps.sum() / np.rint(gaps / shortest).sum()) if shortest else 0.0
    off = np.abs(gaps / tick - np.rint(gaps / tick))
    if tick > 2 * exact and np.mean(off <= _TOLERANCE) >= _ON_GRID:
        return _round(tick, exact)
    return exact


def _round(tick: float, exact: int) -> int:
    """Take the roundest number that is as good: a clock has a tick of 3 s, not of 2.999987 s."""
    for digits in range(1, 16):
        unit = 10 ** (len(str(round(tick))) - digits)
        if unit < 1:
            break
        rounded = round(tick / unit) * unit
        if abs(rounded - tick) <= max(exact, tick * 1e-3):
            return int(rounded)
    return round(tick)
