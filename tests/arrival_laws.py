"""The laws of every arrival process, from formulas that share nothing with the code, and the bands to hold it to."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import integrate, special, stats

Floats = npt.NDArray[np.float64]
Dispersion = Callable[[float], float]
SECOND_NS = 10**9
LUCK = 5e-5
"""The chance that any comparison of a process with its law fails by luck, with fresh seeds."""
RARE = 1e-6
"""The level of the other statistical tests of arrivals."""
RARE_TESTS = 40
"""At most so many of them."""


class Law(NamedTuple):
    """What is known of a process. Gaps are in units of their mean, times in seconds."""

    spec: str
    rate_rps: float
    lasting_s: float
    """How long one of the independent realisations lasts."""
    windows_s: tuple[float, ...] = ()
    dispersion: Dispersion | None = None
    """Variance over mean of the count in a window."""
    gaps: Any = None
    """The frozen law of the gaps, where they are independent; those of operational time, if the rate varies."""
    rate: Callable[[Floats], Floats] | None = None
    """The rate at each time in units of its mean, if it varies."""
    squared: float | None = None
    """E[gap^2] / E[gap]^2, where the gaps have one law."""
    lag_1: float | None = None
    """E[gap x next gap] / E[gap]^2."""
    group: float = 1.0
    """Mean number of simultaneous requests; gaps are those between groups."""
    starts: bool = True
    """Whether many short realisations are affordable."""


def stehfest(transform: Callable[[float], float], time: float, terms: int = 14) -> float:
    """Invert a Laplace transform that is known on the real axis only (Stehfest 1970)."""
    half, total = terms // 2, 0.0
    for k in range(1, terms + 1):
        weight = 0.0
        for j in range((k + 1) // 2, min(k, half) + 1):
            weight += (
                j**half
                * math.factorial(2 * j)
                / (
                    math.factorial(half - j)
                    * math.factorial(j)
                    * math.factorial(j - 1)
                    * math.factorial(k - j)
                    * math.factorial(2 * j - k)
                )
            )
        total += (-1) ** (k + half) * weight * transform(k * math.log(2) / time)
    return total * math.log(2) / time


def renewal_dispersion(transform: Callable[[float], float], rate_rps: float) -> Dispersion:
    """Return the dispersion of a renewal process in equilibrium: Var N(t) = t + 2 int_0^t (M(u) - u) du, mean gap 1."""

    def variance(s: float) -> float:
        f = transform(s)
        return 1 / s**2 + 2 / s * (f / (s * (1 - f)) - 1 / s**2)

    return lambda time_s: stehfest(variance, rate_rps * time_s) / (rate_rps * time_s)


def late_dispersion(law: Any, rate_rps: float) -> Dispersion:
    """Return Cox's asymptote (Renewal Theory, 1962): cv^2 t + 1/6 + cv^4/2 - mu3/3, over t, mean gap 1."""
    variance, skewness = law.var(), float(law.stats("s"))
    constant = 1 / 6 + variance**2 / 2 - skewness * variance**1.5 / 3
    return lambda time_s: variance + constant / (rate_rps * time_s)


def lomax_transform(alpha: float, mean: float = 1.0) -> Callable[[float], float]:
    """Return the Laplace transform of a Lomax law by Tricomi's function."""
    return lambda s: alpha * float(special.hyperu(1, 1 - alpha, s * mean * (alpha - 1)))


def superposed_dispersion(
    on: Callable[[float], float],
    off: Callable[[float], float],
    on_s: float,
    off_s: float,
    sources: int,
    rate_rps: float,
) -> Dispersion:
    """Return the dispersion of Poisson arrivals from alternating sources, by the transforms of their stays."""
    share = on_s / (on_s + off_s)

    def on_time_variance(s: float) -> float:
        f, g = on(s), off(s)
        on_again = 1 / s - (1 - f) * (1 - g) / (on_s * s**2 * (1 - f * g))
        return 2 * share * (on_again - share / s) / s**2

    per_source_rps = rate_rps / (sources * share)
    return lambda t: 1 + sources * per_source_rps**2 * stehfest(on_time_variance, t) / (rate_rps * t)


class Markov(NamedTuple):
    """Moments of an MMPP(2) by its matrices D0 and D1 (Fischer and Meier-Hellstern 1993)."""

    rates_rps: tuple[float, float]
    stays_s: tuple[float, float]

    @property
    def rate_rps(self) -> float:
        return float(np.dot(self.rates_rps, self.stays_s) / sum(self.stays_s))

    def dispersion(self, time_s: float) -> float:
        (r1, r2), s1, s2 = self.rates_rps, 1 / self.stays_s[0], 1 / self.stays_s[1]
        s = s1 + s2
        limit = 2 * s1 * s2 * (r1 - r2) ** 2 / (s**2 * (r1 * s2 + r2 * s1))
        return float(1 + limit * (1 - (1 - math.exp(-s * time_s)) / (s * time_s)))

    def moments(self) -> tuple[float, float]:
        """Return E[X^2] and E[X0 X1] over E[X]^2, at arrivals."""
        leave = np.diag([1 / stay_s for stay_s in self.stays_s])
        d0 = leave @ np.array([[0, 1], [1, 0]]) - leave - np.diag(self.rates_rps)
        inverse = np.linalg.inv(-d0)
        chain = inverse @ np.diag(self.rates_rps)
        values, vectors = np.linalg.eig(chain.T)
        at_arrivals = np.real(vectors[:, np.argmax(np.real(values))])
        at_arrivals /= at_arrivals.sum()
        one = np.ones(2)
        mean = at_arrivals @ inverse @ one
        return (
            float(2 * at_arrivals @ inverse @ inverse @ one / mean**2),
            float(at_arrivals @ inverse @ chain @ inverse @ one / mean**2),
        )


def hyper_dispersion(cv: float, rate_rps: float) -> Dispersion:
    share = (1 + math.sqrt((cv**2 - 1) / (cv**2 + 1))) / 2
    r = 4 * share * (1 - share)
    return lambda t: 1 + (cv**2 - 1) * (1 - (1 - math.exp(-r * rate_rps * t)) / (r * rate_rps * t))


class HyperLaw:
    """A law that is one of two exponential ones, with the two methods that the comparisons ask for."""

    def __init__(self, share: float, rates: tuple[float, float]) -> None:
        self.share = share
        self.rates = rates

    @classmethod
    def balanced(cls, cv: float) -> "HyperLaw":
        share = (1 + math.sqrt((cv**2 - 1) / (cv**2 + 1))) / 2
        return cls(share, (2 * share, 2 * (1 - share)))

    @classmethod
    def interrupted(cls, on_rate: float, on: float, off: float) -> "HyperLaw":
        """Return the gaps of Poisson arrivals at a rate while on, for mean stays `on` and `off` (Kuczura 1973)."""
        total = on_rate + 1 / on + 1 / off
        root = math.sqrt(total**2 - 4 * on_rate / off)
        fast, slow = (total + root) / 2, (total - root) / 2
        return cls((on_rate - slow) / (fast - slow), (fast, slow))

    def sf(self, x: Floats) -> Floats:
        fast, slow = (np.exp(-rate * np.asarray(x)) for rate in self.rates)
        return np.asarray(self.share * fast + (1 - self.share) * slow)

    def cdf(self, x: Floats) -> Floats:
        return 1 - self.sf(x)


@cache
def weibull_law(cv: float) -> Any:
    shapes = np.linspace(0.3, 8, 200_001)
    cvs = np.sqrt(special.gamma(1 + 2 / shapes) / special.gamma(1 + 1 / shapes) ** 2 - 1)
    shape = float(np.interp(-cv, -cvs, shapes))
    return stats.weibull_min(shape, scale=1 / special.gamma(1 + 1 / shape))


def lognormal_law(cv: float) -> Any:
    return stats.lognorm(math.sqrt(math.log(1 + cv**2)), scale=1 / math.sqrt(1 + cv**2))


def gamma_law(cv: float) -> Any:
    return stats.gamma(1 / cv**2, scale=cv**2)


def gamma_transform(cv: float) -> Callable[[float], float]:
    return lambda s: (1 + s * cv**2) ** (-1 / cv**2)


def flash(t: Floats) -> Floats:
    """Return the crowd of the case below: base 1, five times that from 4 s to 6 s, reached in 1 s, gone with 2 s."""
    return np.select([t < 3, t < 4, t < 6], [1.0, 1 + 4 * (t - 3), 5.0], 1 + 4 * np.exp(-(t - 6) / 2))


def renewal(spec: str, law: Any, cv: float, dispersion: Dispersion, windows_s: tuple[float, ...] = (0.05, 1, 5)) -> Law:
    return Law(spec, 100.0, 250.0, windows_s, dispersion, law, squared=1 + cv**2, lag_1=1.0)


MARKOV = Markov((200.0, 20.0), (2.0, 8.0))
ON_OFF = Markov((500.0, 0.0), (0.2, 0.8))
EXPONENTIAL = stats.expon()
LAWS: tuple[Law, ...] = (
    renewal("poisson", EXPONENTIAL, 1, lambda t: 1.0),
    renewal("gamma:cv=0.25", gamma_law(0.25), 0.25, renewal_dispersion(gamma_transform(0.25), 100), (1, 5)),
    renewal("gamma:cv=2", gamma_law(2), 2, renewal_dispersion(gamma_transform(2), 100)),
    renewal("weibull:cv=0.5", weibull_law(0.5), 0.5, late_dispersion(weibull_law(0.5), 100), (1, 5)),
    renewal("weibull:cv=2", weibull_law(2), 2, late_dispersion(weibull_law(2), 100), (5,)),
    renewal("lognormal:cv=1.5", lognormal_law(1.5), 1.5, late_dispersion(lognormal_law(1.5), 100), (5,)),
    renewal("hyperexponential:cv=2", HyperLaw.balanced(2), 2, hyper_dispersion(2, 100)),
    Law("pareto:alpha=4", 100, 250, (0.05, 1, 5), renewal_dispersion(lomax_transform(4), 100), stats.lomax(4, scale=3),
        lag_1=1.0),
    Law("pareto:alpha=1.5", 100, 250, gaps=stats.lomax(1.5, scale=0.5)),  # of infinite variance: only the law
    Law("mmpp:burst_ratio=10,burst_share=0.2,cycle=10s", 56, 1000, (0.1, 1, 10), MARKOV.dispersion,
        squared=MARKOV.moments()[0], lag_1=MARKOV.moments()[1]),
    Law("on-off:on=200ms,off=800ms", 100, 500, (0.05, 0.5, 5), ON_OFF.dispersion,
        HyperLaw.interrupted(5, 20, 80), squared=ON_OFF.moments()[0], starts=False),
    Law("on-off:on=30ms,off=10ms", 100, 250, (0.05, 0.5, 5), Markov((400 / 3, 0.0), (0.03, 0.01)).dispersion,
        HyperLaw.interrupted(4 / 3, 3, 1), squared=Markov((400 / 3, 0.0), (0.03, 0.01)).moments()[0], lag_1=1.0),
    Law("batch-poisson:size=10", 100, 500, (0.1, 1, 5), lambda t: 19.0, EXPONENTIAL, group=10),
    Law("batch-poisson:size=4,law=fixed", 100, 250, (0.1, 1, 5), lambda t: 4.0, EXPONENTIAL, group=4),
    Law("self-similar:hurst=0.8,sources=20,on=100ms,off=200ms", 200, 400, (0.05, 0.5, 3),
        superposed_dispersion(lomax_transform(1.4, 0.1), lomax_transform(1.4, 0.2), 0.1, 0.2, 20, 200), starts=False),
    Law("ramp:first=1,last=9", 1000, 10, gaps=EXPONENTIAL, rate=lambda t: 0.2 + 0.16 * t, starts=False),
    Law("steps:levels=1/0/3,step=2s", 1000, 12, gaps=EXPONENTIAL,
        rate=lambda t: np.choose((t // 2 % 3).astype(int), [0.75, 0, 2.25])),
    Law("piecewise:times=0s/2s/2s/4s,levels=0/2/1/3,repeats=true", 1000, 8, gaps=EXPONENTIAL,
        rate=lambda t: np.where(t % 4 < 2, t % 4, t % 4 - 1) / 1.5),
    Law("diurnal:amplitude=1,period=8s,phase=3s", 1000, 16, gaps=EXPONENTIAL,
        rate=lambda t: 1 + np.sin(2 * np.pi * (t - 3) / 8)),
    Law("flash-crowd:magnitude=5,start=3s,ramp=1s,plateau=2s,decay=2s", 1000, 12, gaps=EXPONENTIAL,
        rate=lambda t: flash(t) / (integrate.quad(flash, 0, 12, points=(3, 4, 6))[0] / 12), starts=False),
    Law("diurnal:amplitude=0.8,period=8s,cv=2", 1000, 16, gaps=gamma_law(2),
        rate=lambda t: 1 + 0.8 * np.sin(2 * np.pi * t / 8)),
    Law("ramp:cv=1.5,law=lognormal", 1000, 10, gaps=lognormal_law(1.5), rate=lambda t: 0.2 * t, starts=False),
)  # fmt: skip


def operational_s(law: Law, times_s: Floats) -> Floats:
    """Return the rate of a law integrated from 0 to each time, by a fine midpoint rule."""
    if law.rate is None:
        return times_s
    return np.interp(times_s, *_areas(law.rate, law.lasting_s))


@cache
def _areas(rate: Callable[[Floats], Floats], lasting_s: float) -> tuple[Floats, Floats]:
    grid_s = np.linspace(0, lasting_s, 2_400_001)
    # The rate in the middle of each cell: steps fall on its edges.
    area_s = np.cumsum(rate((grid_s[1:] + grid_s[:-1]) / 2)) * (grid_s[1] - grid_s[0])
    return grid_s, np.append(0.0, area_s)


def under_way(law: Any) -> Callable[[Floats], Floats]:
    """Return the distribution of what is left of a gap under way: the survival function integrated, mean gap 1."""
    grid = np.append(0.0, np.geomspace(1e-9, 1e6, 60_001))
    area = np.append(0.0, np.cumsum(np.diff(grid) * (law.sf(grid[1:]) + law.sf(grid[:-1])) / 2))
    return lambda x: np.interp(x, grid, area)


def off_by(samples: Sequence[float] | Floats, expected: float) -> tuple[float, float]:
    """Return the p-value of a mean by Student's t, and the standard error relative to what is expected."""
    test = stats.ttest_1samp(samples, expected)
    return float(test.pvalue), float(stats.sem(samples) / expected)
