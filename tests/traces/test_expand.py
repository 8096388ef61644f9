"""Requests drawn from rates follow their windows and laws; seeds are fixed, bands are those of the theory."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isim.errors import TraceError
from isim.traces.burstiness import index_of_dispersion
from isim.traces.expand import METHODS, expand
from isim.traces.generators.mmpp import Mmpp
from isim.traces.rates import Rates
from isim.traces.trace import Trace

SECOND_NS = 10**9
SIGMAS = 4.0


def steps(windows: int, rates_rps: list[float], width_s: float = 1.0, **columns: list[object]) -> Rates:
    """Return windows of these rates in turn."""
    width_ns = round(width_s * 1e9)
    repeated = {name: (values * windows)[:windows] for name, values in columns.items()}
    return Rates.from_columns(
        start_ns=np.arange(windows) * width_ns,
        width_ns=width_ns,
        model="a",
        rate_rps=(rates_rps * windows)[:windows],
        **repeated,
    )


def counts_of(trace: Trace, width_ns: int) -> np.ndarray:
    return np.bincount(trace.arrival_ns // width_ns, minlength=trace.duration_ns // width_ns)


@st.composite
def counted(draw: st.DrawFn) -> Rates:
    """Return a few windows of a few streams, with counts."""
    widths = draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=6))
    starts = np.cumsum([0, *widths[:-1]])
    counts = draw(st.lists(st.integers(0, 9), min_size=len(widths), max_size=len(widths)))
    return Rates.from_columns(
        start_ns=[*starts, 0], width_ns=[*widths, 50], model=[*["a"] * len(widths), "b"], count=[*counts, 3]
    )


@given(counted(), st.sampled_from(["count", "even"]), st.integers(0, 9))
def test_counts_are_kept_window_by_window(rates: Rates, method: str, seed: int) -> None:
    trace = expand(rates, method, seed=seed).collected()
    models = np.array(trace.table["model"].to_pylist())
    for window in rates.table.to_pylist():
        own = trace.arrival_ns[models == window["model"]]
        held = (own >= window["start_ns"]) & (own < window["start_ns"] + window["width_ns"])
        assert held.sum() == window["count"]
    assert len(trace) == sum(rates.table["count"].to_pylist())
    assert trace.duration_ns == rates.duration_ns


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_draws_the_same(method: str) -> None:
    rates = steps(20, [50.0, 5.0], cv=[2.0, 0.5])
    assert expand(rates, method, seed=1).collected().digest() == expand(rates, method, seed=1).collected().digest()
    if method != "even":
        assert expand(rates, method, seed=1).collected().digest() != expand(rates, method, seed=2).collected().digest()


def test_poisson_windows_are_poisson() -> None:
    trace = expand(steps(4000, [30.0, 3.0]), "poisson", seed=1).collected()
    counts = counts_of(trace, SECOND_NS)
    for start, mean in ((0, 30.0), (1, 3.0)):
        own = counts[start::2]
        assert own.mean() == pytest.approx(mean, abs=SIGMAS * math.sqrt(mean / len(own)))
        assert own.var(ddof=1) / own.mean() == pytest.approx(1, abs=SIGMAS * math.sqrt(2 / len(own)))
    assert stats.kstest(trace.arrival_ns % SECOND_NS / SECOND_NS, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("law", "cv"), [("gamma", 4.0), ("gamma", 0.25), ("weibull", 2.0), ("poisson", 1.0)])
def test_gaps_go_on_from_window_to_window(law: str, cv: float) -> None:
    """A process that restarted in each of these short windows would have another rate and another dispersion."""
    rates = steps(40_000, [50.0, 200.0], width_s=0.05, cv=[cv], dist=[law])
    trace = expand(rates, seed=1).collected()
    expected = rates.mean_rate_rps * 2000
    assert len(trace) == pytest.approx(expected, abs=SIGMAS * cv * math.sqrt(expected))
    # Time passes as the rate does: in operational time the gaps are those of the law.
    rate = rates.rate_rps[trace.arrival_ns // (SECOND_NS // 20)]
    start = trace.arrival_ns // (SECOND_NS // 20) * (SECOND_NS // 20)
    before = np.concatenate([[0.0], np.cumsum(rates.rate_rps * 0.05)])[trace.arrival_ns // (SECOND_NS // 20)]
    operational = before + rate * (trace.arrival_ns - start) / 1e9
    gaps = np.diff(operational)
    kurtosis = {"gamma": 3 + 6 * cv**2, "weibull": 3 + 6 * cv**2 * 3, "poisson": 9.0}[law]
    assert gaps.mean() == pytest.approx(1, abs=SIGMAS * cv / math.sqrt(len(gaps)))
    assert gaps.std() == pytest.approx(cv, rel=SIGMAS * math.sqrt((kurtosis - 1) / 4 / len(gaps)))
    lag_1 = np.corrcoef(gaps[1:], gaps[:-1])[0, 1]
    assert abs(lag_1) < SIGMAS / math.sqrt(len(gaps))


def test_a_change_of_cv_between_windows_does_not_change_the_rate() -> None:
    rates = steps(20_000, [100.0], width_s=0.1, cv=[4.0, 0.2], dist=["gamma"])
    trace = expand(rates, seed=1).collected()
    assert len(trace) == pytest.approx(200_000, rel=0.01)


def test_bursts_go_on_from_window_to_window() -> None:
    process, rate_rps = Mmpp.from_rates(burst_rps=200, calm_rps=20, burst_s=2, calm_s=8)
    bursts = {"burst_ratio": [10.0], "burst_share": [0.2], "cycle_s": [10.0]}
    rates = steps(80_000, [rate_rps], width_s=0.5, dist=["mmpp"], **bursts)
    trace = expand(rates, seed=1).collected()
    for width_s in (1, 10):
        expected = process.index_of_dispersion(rate_rps, width_s)
        found = index_of_dispersion(trace.arrival_ns, trace.duration_ns, width_s * SECOND_NS)
        assert found == pytest.approx(expected, rel=0.1)
    variance = process.index_of_dispersion(rate_rps, 1e6) * rate_rps * 40_000
    assert len(trace) == pytest.approx(rate_rps * 40_000, abs=SIGMAS * math.sqrt(variance))


def test_silence_between_bursts_is_silent() -> None:
    rates = steps(1, [50.0], width_s=10_000, dist=["on-off"], burst_share=[0.25], cycle_s=[20.0])
    trace = expand(rates, seed=1).collected()
    gaps_s = np.diff(trace.arrival_ns) / 1e9
    # 500 cycles: half a gap of 1 s is far longer than any gap at 200 rps within a burst.
    assert (gaps_s > 1).sum() == pytest.approx(500 * math.exp(-1 / 15), abs=SIGMAS * math.sqrt(500))
    assert 1 / gaps_s[gaps_s < 1].mean() == pytest.approx(200, rel=0.05)


def test_a_stream_does_not_depend_on_the_others() -> None:
    alone = steps(50, [20.0], cv=[2.0])
    columns = {name: alone.table[name].to_pylist() for name in ("start_ns", "width_ns", "rate_rps", "cv")}
    both = Rates.from_columns(model=["a"] * 50 + ["b"] * 50, **{name: values * 2 for name, values in columns.items()})
    together = expand(both, seed=4).collected()
    own = together.arrival_ns[together.model_codes == 0]
    assert own.tolist() == expand(alone, seed=4).collected().arrival_ns.tolist()


def test_factors_scale_rate_and_cv() -> None:
    rates = steps(1, [100.0], width_s=1000, cv=[1.5], dist=["gamma"])
    trace = expand(rates, seed=1, rate_factor=2.0, cv_factor=2.0).collected()
    gaps = np.diff(trace.arrival_ns)
    assert len(trace) == pytest.approx(200_000, abs=SIGMAS * 3 * math.sqrt(200_000))
    assert gaps.std() / gaps.mean() == pytest.approx(3, rel=0.06)
    halved = expand(steps(10_000, [3.0]), "count", seed=1, rate_factor=0.5).collected()
    assert set(counts_of(halved, SECOND_NS)) == {1, 2}
    assert len(halved) == pytest.approx(15_000, abs=SIGMAS * 50)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"method": "normal"}, "no method called 'normal'; choose one of recorded, poisson, gamma, count, even"),
        ({"method": "gamma"}, "the windows have no CV; give one, or expand by 'poisson' or 'count'"),
        ({"rate_factor": 1e15}, "a window holds 1e+15 requests, too many to draw (at most 2^31); lower the factor"),
        ({"cv": -1.0}, "the cv must be > 0 and finite (found -1); correct it"),
        ({"rate_factor": math.inf}, "the rate factor must be > 0 and finite (found inf); correct it"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments: dict[str, object], problem: str) -> None:
    with pytest.raises(TraceError) as error:
        expand(steps(1, [1.0]), **{"seed": 1, **arguments})  # type: ignore[arg-type]
    assert str(error.value) == f"expand: {problem}"


def test_bursts_have_no_cv_to_multiply() -> None:
    rates = steps(1, [1.0], dist=["on-off"], burst_share=[0.5], cycle_s=[1.0])
    with pytest.raises(TraceError, match="bursts of on-off have no CV to multiply"):
        expand(rates, seed=1, cv_factor=2)
