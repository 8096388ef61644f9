"""Burstiness against its definitions and the measured figures of real traces; clocks, plots and comparisons."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isim.traces.burstiness import autocorrelation, dispersion_curve, dispersion_within_minutes, hurst
from isim.traces.clock_grid import clock_grid_ns
from isim.traces.diff import diff
from isim.traces.importers.azure_llm import read_azure_llm
from isim.traces.plots.curves import burst_curve, gap_curve, rate_curve
from isim.traces.plots.svg import trace_svg
from isim.traces.plots.text import text_plots
from isim.traces.statistics import describe
from isim.traces.trace import Trace

SECOND_NS = 10**9


@pytest.mark.parametrize(("name", "inside", "exponent"), [("code", 9.2, 0.73), ("conv", 1.12, 0.85)])
def test_measured_figures(shared_data: Path, name: str, inside: float, exponent: float) -> None:
    path = shared_data / "traces" / "azure-llm-2023" / f"AzureLLMInferenceTrace_{name}.csv"
    figures = describe(read_azure_llm(path))
    assert figures["index_of_dispersion_1s_within_minutes"] == pytest.approx(inside, rel=0.005)
    assert figures["hurst"] == pytest.approx(exponent, abs=0.01)


@given(st.lists(st.integers(0, 239), min_size=1, max_size=50))
def test_dispersion_within_minutes_is_the_mean_of_minutes(seconds: list[int]) -> None:
    arrivals = np.sort(seconds) * SECOND_NS
    counts = np.bincount(seconds, minlength=240).reshape(4, 60)
    expected = np.mean([minute.var(ddof=1) / minute.mean() for minute in counts if minute.any()])
    assert dispersion_within_minutes(arrivals, 240 * SECOND_NS) == pytest.approx(expected)


def test_dispersion_within_minutes_forgets_slow_change() -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(np.repeat(np.linspace(1, 20, 300), 60))
    arrivals = np.repeat(np.arange(len(counts)) * SECOND_NS, counts)
    within = dispersion_within_minutes(arrivals, len(counts) * SECOND_NS)
    assert within == pytest.approx(1, abs=4 * np.sqrt(2 / len(counts)))
    assert dict(dispersion_curve(arrivals, len(counts) * SECOND_NS))[50.0] > 50


def test_autocorrelation_of_an_autoregressive_sequence() -> None:
    rng = np.random.default_rng(1)
    gaps = np.empty(100_000)
    gaps[0] = 0
    for at, shock in enumerate(rng.normal(size=len(gaps) - 1), start=1):
        gaps[at] = 0.6 * gaps[at - 1] + shock
    found = autocorrelation(gaps, 3)
    assert found == pytest.approx([0.6, 0.36, 0.216], abs=4 / np.sqrt(len(gaps)) * 1.5)
    assert autocorrelation(np.ones(100), 3) is None
    assert autocorrelation(np.arange(3.0), 3) is None


def test_hurst_of_noise_and_of_long_memory() -> None:
    rng = np.random.default_rng(1)
    noise = np.sort(rng.integers(0, 2**14 * SECOND_NS, 200_000))
    assert hurst(noise, 2**14 * SECOND_NS) == pytest.approx(0.5, abs=0.05)
    # On-off sources with Pareto(1.4) periods: H = (3 - 1.4) / 2.
    seconds = np.zeros(2**14)
    for _ in range(100):
        edges = np.cumsum(rng.pareto(1.4, 20_000) + 1) * 2
        busy = np.searchsorted(edges, np.arange(2**14) + 1000 * rng.random()) % 2
        seconds += busy
    arrivals = np.repeat(np.arange(2**14) * SECOND_NS, rng.poisson(seconds))
    assert hurst(arrivals, 2**14 * SECOND_NS) == pytest.approx(0.8, abs=0.1)
    assert hurst(arrivals, 30 * SECOND_NS) is None


@given(st.integers(2, 10**12), st.lists(st.integers(0, 1000), min_size=12, unique=True), st.integers(0, 10**9))
def test_a_grid_is_found(tick_ns: int, ticks: list[int], start_ns: int) -> None:
    times = start_ns + np.sort(np.array([*ticks, *ticks[:3]]) * tick_ns)
    found = clock_grid_ns(times)
    assert found is not None
    assert found % tick_ns == 0
    assert (np.diff(times) % found == 0).all()


def test_a_grid_read_with_a_jitter_is_found_and_noise_has_none() -> None:
    rng = np.random.default_rng(1)
    ticks = np.unique(rng.integers(0, 2000, 1200))
    jittered = ticks * 3 * SECOND_NS + rng.integers(-1, 2, len(ticks)) * 10**6
    assert clock_grid_ns(jittered) == 3 * SECOND_NS
    assert clock_grid_ns(np.cumsum(rng.exponential(1e6, 10_000)).astype(np.int64)) == 1
    assert clock_grid_ns(np.array([0, 5, 10])) is None


def noisy(seed: int) -> Trace:
    rng = np.random.default_rng(seed)
    arrivals = np.sort(rng.integers(0, 100 * SECOND_NS, 5000))
    return Trace.from_columns(
        arrival_ns=arrivals, model=rng.choice(["a & b", "<c>"], 5000), duration_ns=100 * SECOND_NS
    )


def test_curves_are_what_they_say() -> None:
    trace = noisy(1)
    rates = rate_curve(trace, 60)
    assert rates.y.sum() * 100 / 60 == pytest.approx(len(trace))
    parts = [rate_curve(trace, 60, model).y for model in trace.models]
    assert np.sum(parts, axis=0) == pytest.approx(rates.y)
    gaps = gap_curve(trace)
    assert gaps is not None
    law = stats.expon(scale=np.diff(trace.arrival_ns).mean() / 1e9)
    assert np.abs(gaps.y - law.sf(gaps.x)).max() < 1.63 / np.sqrt(len(trace))
    bursts = burst_curve(trace)
    assert bursts is not None
    assert np.abs(bursts.y - 1).max() < 4 * np.sqrt(2 / 8)


def test_a_picture_is_well_formed_and_repeats() -> None:
    picture = trace_svg(noisy(1), "x < y & z")
    root = ElementTree.fromstring(picture)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"x < y & z", "a & b", "<c>", "index of dispersion"} <= set(texts)
    assert picture == trace_svg(noisy(1), "x < y & z")
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
        points = np.array([point.split(",") for point in line.attrib["points"].split()], dtype=float)
        assert ((points >= -1) & (points <= [width, height])).all()


@pytest.mark.parametrize("arrivals", [[0], [0, 0], [0, 1], [5, 5, 5, 900]])
def test_any_trace_can_be_drawn(arrivals: list[int]) -> None:
    trace = Trace.from_columns(arrival_ns=arrivals, model="a", duration_ns=1000)
    ElementTree.fromstring(trace_svg(trace, "t"))
    ElementTree.fromstring(trace_svg(Trace.from_columns(arrival_ns=[0], model="a"), "t"))
    assert all(len(line) <= 80 and line.isascii() for line in text_plots(trace))


def test_text_plots_are_narrow_and_show_the_rate() -> None:
    arrivals = np.arange(1200) * SECOND_NS // 100  # 100 rps for 12 s, then nothing
    lines = list(text_plots(Trace.from_columns(arrival_ns=arrivals, model="a", duration_ns=24 * SECOND_NS)))
    assert all(len(line) <= 80 for line in lines)
    top = next(line for line in lines if "rps" in line)
    assert top == f"{'100 rps':>12} |{'#' * 30}"


def test_a_trace_is_the_same_as_itself_and_not_as_another() -> None:
    same = diff(noisy(1), noisy(1))
    assert same["same"]
    assert all(one == other for one, other in same["figures"].values())
    other = diff(noisy(1), Trace.from_columns(arrival_ns=[0, 10], model="z"))
    assert not other["same"]
    assert other["figures"]["requests"] == (5000, 2)
    assert other["figures"]["models.z.requests"] == (None, 2)
