"""Describe the arrivals of a trace: how many, how fast, how bursty, for which models."""

from typing import Any

import numpy as np

from isim.traces.burstiness import (
    Times,
    autocorrelation,
    dispersion_within_minutes,
    hurst,
    index_of_dispersion,
    occupied_windows,
)
from isim.traces.clock_grid import clock_grid_ns
from isim.traces.trace import Trace

__all__ = ["DISPERSION_WIDTHS_S", "LAGS", "describe", "index_of_dispersion"]

DISPERSION_WIDTHS_S = (0.1, 1, 10, 60, 600)
LAGS = 10
_MINUTE_NS = 60_000_000_000
_QUANTILES = {"p1": 0.01, "p10": 0.1, "p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def describe(trace: Trace) -> dict[str, Any]:
    """Return the statistics of a trace by name, units in the names; None where the trace is too short for one.

    `gap_cv` is the standard deviation over the mean of the gaps between arrivals, `index_of_dispersion_10s` the
    variance over the mean of the arrivals in whole windows of 10 s: both are 1 for a Poisson process.
    The peak minute is the fullest of the whole minutes since the start. docs/traces.md has the formulas of all.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 10**9, 3 * 10**9], model=["a", "b", "a"], duration_ns=4 * 10**9)
    >>> describe(trace)["rate_rps"], describe(trace)["models"]["a"]["share"]
    (0.75, 0.6666666666666666)
    """
    arrivals, window_ns = trace.arrival_ns, trace.duration_ns
    gaps = np.diff(arrivals)
    peak_start_s, peak_rate_rps = _peak_minute(arrivals, window_ns)
    tick_ns = clock_grid_ns(arrivals)
    correlations = autocorrelation(gaps.astype(float), LAGS)
    counts = np.bincount(trace.model_codes, minlength=len(trace.models))
    by_model = np.split(arrivals[np.argsort(trace.model_codes, kind="stable")], np.cumsum(counts)[:-1])
    return {
        "requests": len(trace),
        "duration_s": window_ns / 1e9,
        **_tempo(arrivals, window_ns),
        "gap_s": {name: float(np.quantile(gaps, q) / 1e9) for name, q in _QUANTILES.items()} if len(gaps) else None,
        "gap_autocorrelation": correlations,
        "simultaneous_share": float(np.mean(gaps == 0)) if len(gaps) else None,
        "clock_tick_s": None if tick_ns is None else tick_ns / 1e9,
        **{
            f"index_of_dispersion_{width_s}s": index_of_dispersion(arrivals, window_ns, round(width_s * 1e9))
            for width_s in DISPERSION_WIDTHS_S
        },
        "index_of_dispersion_1s_within_minutes": dispersion_within_minutes(arrivals, window_ns),
        "hurst": hurst(arrivals, window_ns),
        "peak_minute_start_s": peak_start_s,
        "peak_minute_rate_rps": peak_rate_rps,
        "models": {
            model: {"requests": len(times), "share": len(times) / len(trace), **_tempo(times, window_ns)}
            for model, times in zip(trace.models, by_model, strict=True)
        },
    }


def _peak_minute(arrival_ns: Times, duration_ns: int) -> tuple[float | None, float | None]:
    which, counts = occupied_windows(arrival_ns, duration_ns // _MINUTE_NS, _MINUTE_NS)
    if not len(counts):
        return None, None
    peak = int(counts.argmax())
    return float(which[peak] * 60), float(counts[peak] / 60)


def _tempo(arrival_ns: Times, duration_ns: int) -> dict[str, float | None]:
    gaps = np.diff(arrival_ns)
    mean = gaps.mean() if len(gaps) > 1 else 0.0
    return {
        "rate_rps": len(arrival_ns) / (duration_ns / 1e9) if duration_ns else None,
        "gap_cv": float(gaps.std() / mean) if mean else None,
    }
