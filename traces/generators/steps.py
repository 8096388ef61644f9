"""A rate that jumps from level to level: stages of a load test, or a flux that comes round again."""

import math

import numpy as np

from isim.traces.generators.linear_rate import LinearRate
from isim.traces.generators.parameters import check_parameters, duration
from isim.traces.generators.rate_curve import RateCurve
from isim.traces.generators.time_changed import Law, TimeChanged


class Steps(TimeChanged):
    """Hold each of several levels for an equally long time.

    Parameters
    ----------
    levels
        Relative to each other, at least 0, written `1/3/2`.
    step_s
        How long each is held, in seconds, the whole being repeated; if left out, the levels share the duration.
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
    >>> arrivals = Steps(levels=(1, 3), step_s=2).arrivals_ns(np.random.default_rng(1), 1000, 8 * 10**9)
    >>> np.histogram(arrivals, bins=4, range=(0, 8e9))[0]
    array([ 991, 3047,  986, 2936])

    References
    ----------
    Choi et al., gpulets, ATC 2022 (rates of 20 s each, in a cycle).
    """

    def __init__(
        self, levels: tuple[float, ...], step_s: float | None = None, cv: float = 1.0, law: Law = "gamma"
    ) -> None:
        super().__init__(cv, law)
        valid = all(0 <= level < math.inf for level in levels) and max(levels, default=0) > 0
        check_parameters(
            "steps",
            levels=(levels, valid, "numbers of at least 0, not all 0, such as 1/3/2"),
            step_s=duration(1.0 if step_s is None else step_s),
        )
        self.levels = levels
        self.step_s = step_s

    def curve(self, duration_s: float) -> RateCurve:
        """Return the rate over time, of mean 1 over one round of the levels."""
        levels = np.array(self.levels, dtype=np.float64)
        step_s = duration_s / len(levels) if self.step_s is None else self.step_s
        edges_s = step_s * np.arange(len(levels) + 1, dtype=np.float64)
        return LinearRate.of_mean_1(edges_s, levels, levels, repeats=self.step_s is not None)
