"""A smooth rate whose integral is known and increases, but has no formula for its inverse."""

from collections.abc import Callable

import numpy as np

from isim.traces.generators.process import Floats

_CELLS = 4096
_ROUNDS = 60
_EXACT = 2.0**-50
"""Of the span: the rounding of a time in it."""


class SmoothRate:
    """Hold a rate over one span by its formula and that of its integral; invert by Newton's method, never leaving the
    cell of a table in which the solution lies.

    Parameters
    ----------
    rate
        The rate at each time, at least 0, in units of the mean.
    area_s
        Its integral from 0, in seconds at the mean rate.
    span_s
        Where the formulas end, in seconds.
    repeats
        Whether the span comes again and again; otherwise nothing arrives after it.

    Examples
    --------
    >>> growth = SmoothRate(lambda t: t, lambda t: t**2 / 2, span_s=4.0)
    >>> growth.time_s(np.array([0.5, 4.5]))
    array([1., 3.])
    >>> growth.area_s(np.array([1.0, 3.0]))
    array([0.5, 4.5])
    """

    def __init__(
        self, rate: Callable[[Floats], Floats], area_s: Callable[[Floats], Floats], span_s: float, repeats: bool = False
    ) -> None:
        self._rate = rate
        self._area_s = area_s
        self._span_s = span_s
        self._repeats = repeats
        self._times_s = np.linspace(0.0, span_s, _CELLS + 1)
        self._areas_s = np.maximum.accumulate(area_s(self._times_s))  # rounding must not make it fall

    def area_s(self, time_s: Floats) -> Floats:
        """Return the rate integrated from 0 to each time, in seconds at the mean rate."""
        turns = np.floor(time_s / self._span_s) if self._repeats else np.zeros_like(time_s)
        inside_s = np.clip(time_s - turns * self._span_s, 0, self._span_s)
        return np.asarray(turns * self._areas_s[-1] + self._area_s(inside_s))

    def time_s(self, area_s: Floats) -> Floats:
        """Return when the integral reaches each value; they must ascend."""
        turns = np.floor(area_s / self._areas_s[-1]) if self._repeats else np.zeros_like(area_s)
        missing = np.clip(area_s - turns * self._areas_s[-1], 0, self._areas_s[-1])
        # Rounding must not bring one before the one that comes before it.
        return np.maximum.accumulate(turns * self._span_s + self._solve(missing))

    def _solve(self, area_s: Floats) -> Floats:
        cell = np.clip(np.searchsorted(self._areas_s, area_s, side="right") - 1, 0, _CELLS - 1)
        low_s, high_s = self._times_s[cell], self._times_s[cell + 1]
        time_s = np.interp(area_s, self._areas_s, self._times_s)
        with np.errstate(divide="ignore", invalid="ignore"):
            for _ in range(_ROUNDS):
                excess = self._area_s(time_s) - area_s
                low_s, high_s = np.where(excess > 0, low_s, time_s), np.where(excess > 0, time_s, high_s)
                step = time_s - excess / self._rate(time_s)
                # Where the rate is about zero a step may lead anywhere: halve the bracket instead.
                following_s = np.where((step >= low_s) & (step <= high_s), step, (low_s + high_s) / 2)
                moved_s = np.abs(following_s - time_s).max(initial=0.0)
                time_s = following_s
                if moved_s <= _EXACT * self._span_s:
                    break
        return time_s
