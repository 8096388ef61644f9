"""Draw the arrivals of one stream, window after window, each of its own rate and law."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]
_LEAST_WEIBULL_CV = 0.01  # so close to equal gaps that a gamma law does as well


class Window(NamedTuple):
    """What is known of the arrivals in one window."""

    law: str
    rate_rps: float
    width_s: float
    cv: float
    burst_ratio: float
    burst_share: float
    cycle_s: float


class WindowLaw:
    """Remember between windows how far the present gap has come, and whether there is a burst.

    Renewal gaps are drawn in units of the mean gap and pass at the rate of the window they are in, so that no window
    starts with an arrival or restarts the process. The first gap is one already under way.

    Parameters
    ----------
    rng
        What draws.

    Examples
    --------
    >>> law = WindowLaw(np.random.default_rng(1))
    >>> window = Window("gamma", 100, 10, 2, math.nan, math.nan, math.nan)
    >>> [len(law.arrivals_s(window)) for _ in range(3)]
    [968, 1017, 786]
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._residual: float | None = None
        self._in_burst: bool | None = None

    def arrivals_s(self, window: Window) -> _Floats:
        """Return the arrivals in seconds since the window's start; windows must come in order of time."""
        if window.law in ("mmpp", "on-off"):
            return self._modulated(window)
        return self._renewal(window)

    def _renewal(self, window: Window) -> _Floats:
        length = window.rate_rps * window.width_s
        weibull = _weibull(window.cv) if window.law == "weibull" and window.cv > _LEAST_WEIBULL_CV else None
        if self._residual is None:
            self._residual = self._under_way(window.cv, weibull)
        if self._residual >= length:
            self._residual -= length
            return np.empty(0)
        blocks = [np.array([self._residual])]
        while (last := float(blocks[-1][-1])) < length:
            count = int(length - last + 4 * window.cv * math.sqrt(length - last)) + 16
            blocks.append(last + np.cumsum(self._gaps(window.cv, weibull, count)))
        times = np.concatenate(blocks)
        held = int(np.searchsorted(times, length))
        self._residual = float(times[held]) - length
        return times[:held] / window.rate_rps

    def _gaps(self, cv: float, weibull: tuple[float, float] | None, count: int) -> _Floats:
        if cv == 0:
            return np.ones(count)
        if weibull:
            shape, scale = weibull
            return scale * self._rng.standard_exponential(count) ** (1 / shape)
        if cv == 1:
            return self._rng.standard_exponential(count)
        return self._rng.standard_gamma(cv**-2, count) * cv**2

    def _under_way(self, cv: float, weibull: tuple[float, float] | None) -> float:
        """Draw what is left of a gap met at random, which is long in proportion to its length."""
        if cv == 0:
            return float(self._rng.random())
        if weibull:
            shape, scale = weibull
            whole = scale * self._rng.standard_gamma(1 + 1 / shape) ** (1 / shape)
        else:
            whole = self._rng.standard_gamma(cv**-2 + 1) * cv**2
        return float(self._rng.random() * whole)

    def _modulated(self, window: Window) -> _Floats:
        share = window.burst_share
        if self._in_burst is None:
            self._in_burst = bool(self._rng.random() < share)
        ratio = math.inf if math.isnan(window.burst_ratio) or window.law == "on-off" else window.burst_ratio
        calm = 0.0 if ratio == math.inf else window.rate_rps / (share * ratio + 1 - share)
        burst = window.rate_rps / share if ratio == math.inf else ratio * calm
        blocks: list[_Floats] = []
        now_s = 0.0
        while now_s < window.width_s:
            # Stays are memoryless: one cut off by the window's end is drawn anew in the next, which is the same law.
            mean_s = window.cycle_s * (share if self._in_burst else 1 - share)
            until_s = min(now_s + self._rng.exponential(mean_s), window.width_s)
            rate_rps = burst if self._in_burst else calm
            count = self._rng.poisson(rate_rps * (until_s - now_s))
            blocks.append(np.sort(self._rng.uniform(now_s, until_s, count)))
            if until_s < window.width_s:
                self._in_burst = not self._in_burst
            now_s = until_s
        return np.concatenate(blocks)


def _weibull(cv: float) -> tuple[float, float]:
    """Return shape and scale of the Weibull law of mean 1 with this CV."""
    from scipy.optimize import brentq

    def excess(log_shape: float) -> float:
        inverse = math.exp(-log_shape)
        return math.lgamma(1 + 2 * inverse) - 2 * math.lgamma(1 + inverse) - math.log1p(cv**2)

    shape = math.exp(brentq(excess, math.log(0.05), math.log(1000)))
    return shape, 1 / math.gamma(1 + 1 / shape)
