"""A crowd that comes all at once and goes slowly."""

import math
from collections.abc import Mapping

import numpy as np

from isim.traces.generators.parameters import check_parameters, duration
from isim.traces.generators.process import ArrivalProcess, Floats
from isim.traces.generators.rate_curve import RateCurve
from isim.traces.generators.smooth_rate import SmoothRate
from isim.traces.generators.steps import Steps
from isim.traces.generators.time_changed import Law, TimeChanged


class FlashCrowd(TimeChanged):
    """Let the rate rise in a straight line to a multiple of its base, stay there, and fall back exponentially.

    Parameters
    ----------
    magnitude
        The rate at the peak over that before, at least 1.
    start_s
        When the crowd starts to come, in seconds.
    ramp_s
        How long the rate rises, in seconds.
    plateau_s
        How long it stays at the peak, in seconds.
    decay_s
        In how many seconds what is above the base falls to 1/e.
    only
        The models that the crowd wants, written `resnet50/bert`; all if left out. The others keep their rate.
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
    >>> process = FlashCrowd(magnitude=5, start_s=2, ramp_s=1, plateau_s=2, decay_s=1)
    >>> arrivals = process.arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=10**10)
    >>> np.histogram(arrivals, bins=10, range=(0, 1e10))[0]
    array([ 424,  402, 1286, 2112, 2043, 1437,  803,  593,  471,  414])

    References
    ----------
    Ari et al., Managing flash crowds on the Internet, MASCOTS 2003.
    """

    def __init__(
        self,
        magnitude: float,
        start_s: float,
        ramp_s: float = 10.0,
        plateau_s: float = 60.0,
        decay_s: float = 60.0,
        only: tuple[str, ...] = (),
        cv: float = 1.0,
        law: Law = "gamma",
    ) -> None:
        super().__init__(cv, law)
        check_parameters(
            "flash-crowd",
            magnitude=(magnitude, 1 <= magnitude < math.inf, "at least 1"),
            start_s=(start_s, 0 <= start_s < math.inf, "a finite duration of at least 0 s"),
            ramp_s=duration(ramp_s),
            plateau_s=(plateau_s, 0 <= plateau_s < math.inf, "a finite duration of at least 0 s"),
            decay_s=duration(decay_s),
        )
        self.magnitude = magnitude
        self.start_s = start_s
        self.ramp_s = ramp_s
        self.plateau_s = plateau_s
        self.decay_s = decay_s
        self.only = only

    def for_models(self, rates_rps: Mapping[str, float]) -> Mapping[str, ArrivalProcess]:
        """Return the process of each model: without the crowd for those that it does not want.

        Raises
        ------
        TraceError
            The crowd wants a model that is not there.
        """
        unknown = [model for model in self.only if model not in rates_rps]
        check_parameters("flash-crowd", only=(self.only, not unknown, f"models among {', '.join(rates_rps)}"))
        calm = Steps((1.0,), cv=self.cv, law=self.law)
        return {model: self if not self.only or model in self.only else calm for model in rates_rps}

    def curve(self, duration_s: float) -> RateCurve:
        """Return the rate over time, of mean 1 over the duration."""
        mean = float(self._area_s(np.array([duration_s]))[0]) / duration_s
        return SmoothRate(
            lambda time_s: self._rate(time_s) / mean, lambda time_s: self._area_s(time_s) / mean, duration_s
        )

    def _rate(self, time_s: Floats) -> Floats:
        """Return the rate in units of the base."""
        after_s = time_s - (self.start_s + self.ramp_s + self.plateau_s)
        rising = np.clip((time_s - self.start_s) / self.ramp_s, 0, 1)
        return np.asarray(1 + (self.magnitude - 1) * rising * np.exp(-np.maximum(after_s, 0) / self.decay_s))

    def _area_s(self, time_s: Floats) -> Floats:
        """Return the integral of `_rate`."""
        since_s = time_s - self.start_s
        rising_s = np.clip(since_s, 0, self.ramp_s)
        staying_s = np.clip(since_s - self.ramp_s, 0, self.plateau_s)
        falling_s = np.maximum(since_s - self.ramp_s - self.plateau_s, 0)
        extra_s = rising_s**2 / (2 * self.ramp_s) + staying_s - self.decay_s * np.expm1(-falling_s / self.decay_s)
        return np.asarray(time_s + (self.magnitude - 1) * extra_s)
