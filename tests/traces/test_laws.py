"""Every arrival process against the formulas of its law, at five seeds."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from arrival_laws import (
    LAWS,
    LUCK,
    RARE,
    RARE_TESTS,
    SECOND_NS,
    Law,
    Markov,
    late_dispersion,
    lognormal_law,
    lomax_transform,
    off_by,
    operational_s,
    renewal_dispersion,
    superposed_dispersion,
    under_way,
)
from scipy import stats

from isim.traces.generators.registry import make_process
from isim.traces.streams import stream

SEEDS = range(5)
BATCHES = 30
STARTS = 500
SHORT_S = 1e-6
"""Gaps up to this length are only counted: whole nanoseconds distort them."""


def comparisons_of(law: Law) -> list[str]:
    names = ["rate", *(f"dispersion {window_s}" for window_s in law.windows_s)]
    names += ["start"] if law.starts else []
    names += ["gaps", "short gaps"] if law.gaps is not None else []
    names += ["first gap"] if law.gaps is not None and law.starts else []
    names += ["squared gaps"] if law.squared is not None else []
    names += ["lag 1"] if law.lag_1 is not None else []
    return names


COMPARISONS = [(law, seed, name) for law in LAWS for seed in SEEDS for name in comparisons_of(law)]
LEVEL = LUCK / len(COMPARISONS)
"""Each comparison is a test at an equal part of the chance that any fails by luck."""


@cache
def realisations(spec: str, rate_rps: float, lasting_s: float, seed: int) -> list[npt.NDArray[np.int64]]:
    rng, process = stream(seed, "laws", spec), make_process(spec)
    return [process.arrivals_ns(rng, rate_rps, round(lasting_s * SECOND_NS)) for _ in range(BATCHES)]


@cache
def starts(spec: str, rate_rps: float, seed: int) -> list[npt.NDArray[np.int64]]:
    """Return many realisations of ten mean gaps."""
    rng, process = stream(seed, "starts", spec), make_process(spec)
    return [process.arrivals_ns(rng, rate_rps, round(10 / rate_rps * SECOND_NS)) for _ in range(STARTS)]


def gaps_of(law: Law, arrival_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the gaps between groups in operational time, in units of their mean."""
    times_s = operational_s(law, (np.unique(arrival_ns) if law.group > 1 else arrival_ns) / SECOND_NS)
    gaps: npt.NDArray[np.float64] = np.diff(times_s) * law.rate_rps / law.group
    return gaps


def p_value(law: Law, seed: int, name: str) -> tuple[float, float]:
    """Return the chance of a deviation as large as the one found, and the relative standard error."""
    batches = realisations(law.spec, law.rate_rps, law.lasting_s, seed)
    if name == "rate":
        return off_by([len(times) / law.lasting_s / law.rate_rps for times in batches], 1.0)
    if name.startswith("dispersion"):
        window_s = float(name.split()[1])
        assert law.dispersion is not None
        expected, edges = law.rate_rps * window_s, np.arange(int(law.lasting_s / window_s + 0.5) + 1) * window_s * 1e9
        squares = [np.mean((np.histogram(times, edges)[0] - expected) ** 2) / expected for times in batches]
        return off_by(squares, law.dispersion(window_s))
    if name == "start":
        window_s = 2.5 / law.rate_rps
        mean = 2.5 if law.rate is None else float(operational_s(law, np.array([window_s]))[0]) * law.rate_rps
        counts = [np.count_nonzero(times < window_s * 1e9) for times in starts(law.spec, law.rate_rps, seed)]
        if mean < 0.1 or law.group > 1:  # hardly anything, or all at once: groups rather than requests
            counts = [int(count > 0) for count in counts]
            mean = -np.expm1(-mean / law.group)
            return float(stats.binomtest(sum(counts), STARTS, mean).pvalue), 0.0
        return off_by(counts, mean)
    if name in ("squared gaps", "lag 1"):
        scaled = [gaps_of(law, times) for times in batches]
        if name == "lag 1":
            return off_by([np.mean(gaps[1:] * gaps[:-1]) for gaps in scaled], law.lag_1)
        return off_by([np.mean(gaps**2) for gaps in scaled], law.squared)
    if name == "first gap":
        ends = 10.0
        first = operational_s(law, np.array([t[0] for t in starts(law.spec, law.rate_rps, seed) if len(t)]) / 1e9)
        scaled = first * law.rate_rps / law.group
        limit = float(operational_s(law, np.array([ends / law.rate_rps]))[0]) * law.rate_rps / law.group
        cdf = under_way(law.gaps)
        return float(stats.kstest(scaled, lambda x: cdf(x) / cdf(limit)).pvalue), 0.0  # given that it came at all
    gaps = gaps_of(law, batches[0])
    short = SHORT_S * law.rate_rps / law.group * (1 if law.rate is None else 10)
    if name == "short gaps":
        return float(stats.binomtest(int((gaps <= short).sum()), len(gaps), float(law.gaps.cdf(short))).pvalue), 0.0
    long = gaps[gaps > short]
    return float(stats.kstest(1 - law.gaps.sf(long) / law.gaps.sf(short), "uniform").pvalue), 0.0


@pytest.mark.parametrize(("law", "seed", "name"), COMPARISONS, ids=lambda value: getattr(value, "spec", str(value)))
def test_processes_follow_their_laws(law: Law, seed: int, name: str) -> None:
    p, relative_error = p_value(law, seed, name)
    assert p > LEVEL
    assert relative_error < 0.08  # or the band would hold nearly anything


def test_false_failures_are_rarer_than_one_run_in_ten_thousand() -> None:
    others = Path(__file__).with_name("test_generators.py").read_text(encoding="utf-8")
    assert others.count("> RARE") * 2 <= RARE_TESTS  # some run twice, for two parameters
    assert len(set(COMPARISONS)) * LEVEL + RARE_TESTS * RARE < 1e-4


@pytest.mark.parametrize("name", ["rate", "dispersion 1", "gaps", "squared gaps"])
def test_the_comparisons_find_another_law(name: str) -> None:
    """Held to the law of a process 10 % faster or of another CV, arrivals fail: so the bands mean something."""
    gamma, weibull = (next(law for law in LAWS if law.spec == spec) for spec in ("gamma:cv=2", "weibull:cv=2"))
    wrong = gamma._replace(rate_rps=110.0) if name == "rate" else gamma._replace(spec="gamma:cv=2.5")
    if name == "gaps":
        wrong = weibull._replace(spec="gamma:cv=2")
    if name == "rate":
        counts = [len(times) for times in realisations(gamma.spec, gamma.rate_rps, gamma.lasting_s, 0)]
        assert off_by(counts, wrong.rate_rps * gamma.lasting_s)[0] < LEVEL
    else:
        assert p_value(wrong, 0, name)[0] < LEVEL


# The oracles themselves, against values that were derived elsewhere ------------------------------------------------


def test_dispersion_of_the_published_example() -> None:
    markov = Markov((200.0, 20.0), (2.0, 8.0))
    assert markov.rate_rps == pytest.approx(56)
    assert [markov.dispersion(t) for t in (1, 10, 1e9)] == pytest.approx([76.96, 249.9, 297.2], rel=1e-3)


def test_interrupted_poisson_gaps_are_hyperexponential() -> None:
    squared, product = Markov((500.0, 0.0), (0.2, 0.8)).moments()
    assert squared == pytest.approx(2 + 2 * 5 * 500 / 6.25**2)
    assert product == pytest.approx(1)


def test_superposed_sources_of_exponential_stays_are_markov() -> None:
    markov = Markov((500.0, 0.0), (0.2, 0.8))
    by_transform = superposed_dispersion(lambda s: 1 / (1 + 0.2 * s), lambda s: 1 / (1 + 0.8 * s), 0.2, 0.8, 1, 100)
    for t in (0.05, 0.5, 5):
        assert by_transform(t) == pytest.approx(markov.dispersion(t), rel=1e-4)


def test_renewal_dispersion_of_known_laws() -> None:
    assert renewal_dispersion(lambda s: 1 / (1 + s), 1)(3.0) == pytest.approx(1, rel=1e-4)
    # Erlang-2 gaps of mean 1: Var N(t) = t / 2 + 1/8 - exp(-4 t) / 8 in equilibrium.
    erlang = renewal_dispersion(lambda s: (1 + s / 2) ** -2, 1)
    assert erlang(2.0) == pytest.approx((1 + 1 / 8 - np.exp(-8) / 8) / 2, rel=1e-4)
    assert late_dispersion(stats.gamma(2, scale=0.5), 1)(50.0) == pytest.approx((25 + 1 / 8) / 50, rel=1e-9)
    assert lognormal_law(1.5).mean() == pytest.approx(1)


def test_self_similar_dispersion_grows_with_the_power_of_its_hurst_parameter() -> None:
    dispersion = superposed_dispersion(lomax_transform(1.4, 0.5), lomax_transform(1.4, 1.0), 0.5, 1.0, 20, 200)
    slope = np.log10(dispersion(1e6) / dispersion(1e5))
    assert slope == pytest.approx(2 * 0.8 - 1, abs=0.01)
