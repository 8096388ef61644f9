"""The statistics of a trace against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isim.traces.statistics import describe, index_of_dispersion
from isim.traces.trace import Trace

SECOND_NS = 10**9


@given(st.lists(st.integers(0, 100), min_size=1), st.integers(2, 100), st.integers(1, 30))
def test_index_of_dispersion_is_variance_over_mean(times: list[int], duration_ns: int, width_ns: int) -> None:
    arrivals = np.array(sorted(times))
    windows = duration_ns // width_ns
    counts = [((arrivals >= w * width_ns) & (arrivals < (w + 1) * width_ns)).sum() for w in range(windows)]
    got = index_of_dispersion(arrivals, duration_ns, width_ns)
    if windows < 2 or not any(counts):
        assert got is None
    else:
        assert got == pytest.approx(np.var(counts, ddof=1) / np.mean(counts), abs=1e-9)


def test_figures_of_a_trace_written_by_hand() -> None:
    arrival_ns = [0, SECOND_NS, SECOND_NS, 61 * SECOND_NS, 62 * SECOND_NS, 63 * SECOND_NS, 119 * SECOND_NS]
    trace = Trace.from_columns(
        arrival_ns=arrival_ns, model=["b", "a", "a", "a", "a", "b", "a"], duration_ns=140 * SECOND_NS
    )
    gaps = np.array([1, 0, 60, 1, 1, 56])
    figures = describe(trace)
    assert figures["requests"] == 7
    assert figures["duration_s"] == 140
    assert figures["rate_rps"] == pytest.approx(7 / 140)
    assert figures["gap_cv"] == pytest.approx(gaps.std() / gaps.mean())
    assert figures["simultaneous_share"] == pytest.approx(1 / 6)
    assert (figures["peak_minute_start_s"], figures["peak_minute_rate_rps"]) == (60, pytest.approx(4 / 60))
    assert figures["index_of_dispersion_60s"] == pytest.approx(0.5 / 3.5)
    assert figures["models"]["a"]["share"] == pytest.approx(5 / 7)
    assert figures["models"]["b"] == {"requests": 2, "share": 2 / 7, "rate_rps": 2 / 140, "gap_cv": None}


def test_what_a_short_trace_cannot_say_is_none() -> None:
    figures = describe(Trace.from_columns(arrival_ns=[0], model="a"))
    assert {name for name, value in figures.items() if value is None} == {
        "rate_rps",
        "gap_cv",
        "gap_s",
        "gap_autocorrelation",
        "simultaneous_share",
        "clock_tick_s",
        *(f"index_of_dispersion_{width_s}s" for width_s in (0.1, 1, 10, 60, 600)),
        "index_of_dispersion_1s_within_minutes",
        "hurst",
        "peak_minute_start_s",
        "peak_minute_rate_rps",
    }


def test_a_clock_since_1970_costs_no_memory() -> None:
    start_ns = 1_700_000_000 * SECOND_NS
    figures = describe(Trace.from_columns(arrival_ns=[start_ns, start_ns + SECOND_NS], model="a"))
    assert figures["index_of_dispersion_1s"] == pytest.approx(1)
