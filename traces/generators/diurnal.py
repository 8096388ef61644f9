"""A rate that swings like a sine: day and night."""

import math

import numpy as np

from isim.traces.generators.parameters import check_parameters, duration
from isim.traces.generators.process import Floats
from isim.traces.generators.rate_curve import RateCurve
from isim.traces.generators.smooth_rate import SmoothRate
from isim.traces.generators.time_changed import Law, TimeChanged


class Diurnal(TimeChanged):
    """Let the rate swing about its mean: 1 + amplitude sin(2 pi (t - phase) / period).

    Parameters
    ----------
    amplitude
        Of the swing, as a share of the mean, 0 to 1.
    period_s
        Of the swing, in seconds.
    phase_s
        When the rate first rises through its mean, in seconds.
    cv
        Standard deviation over mean of the gaps, were the rate constant.
    law
        Of the gaps.

    Raises
    ------
    TraceError
        A parameter is out of range.

    Examples
    --------
    >>> process = Diurnal(amplitude=1.0, period_s=8)
    >>> arrivals = process.arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=8 * 10**9)
    >>> np.histogram(arrivals, bins=4, range=(0, 8e9))[0]
    array([3328, 3206,  733,  693])
    """

    def __init__(
        self,
        amplitude: float = 0.5,
        period_s: float = 86_400.0,
        phase_s: float = 0.0,
        cv: float = 1.0,
        law: Law = "gamma",
    ) -> None:
        super().__init__(cv, law)
        check_parameters(
            "diurnal",
            amplitude=(amplitude, 0 <= amplitude <= 1, "0 to 1"),
            period_s=duration(period_s),
            phase_s=(phase_s, math.isfinite(phase_s), "a finite duration"),
        )
        self.amplitude = amplitude
        self.period_s = period_s
        self.phase_s = phase_s

    def curve(self, duration_s: float) -> RateCurve:
        """Return the rate over time, of mean 1 over a period."""
        turn = 2 * math.pi / self.period_s
        start = math.cos(turn * self.phase_s)

        def rate(time_s: Floats) -> Floats:
            return np.asarray(1 + self.amplitude * np.sin(turn * (time_s - self.phase_s)))

        def area_s(time_s: Floats) -> Floats:
            return np.asarray(time_s - self.amplitude / turn * (np.cos(turn * (time_s - self.phase_s)) - start))

        return SmoothRate(rate, area_s, self.period_s, repeats=True)
