"""Describe the arrivals of a trace: how many, how fast, how bursty, for which models."""

from typing import Any

import numpy as np
import numpy.typing as npt

from isim.traces.trace import Trace

_Times = npt.NDArray[np.int64]
_MINUTE_NS = 60_000_000_000


def describe(trace: Trace) -> dict[str, Any]:
    """Return the statistics of a trace by name, units in the names; None where the trace is too short for one.

    `gap_cv` is the standard deviation over the mean of the gaps between arrivals, `index_of_dispersion_10s` the
    variance over the mean of the arrivals in whole windows of 10 s: both are 1 for a Poisson process.
    The peak minute is the fullest of the whole minutes since the start.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 10**9, 3 * 10**9], model=["a", "b", "a"], duration_ns=4 * 10**9)
    >>> describe(trace)["rate_rps"], describe(trace)["models"]["a"]["share"]
    (0.75, 0.6666666666666666)
    """
    arrivals, window_ns = trace.arrival_ns, trace.duration_ns
    peak_start_s, peak_rate_rps = _peak_minute(arrivals, window_ns)
    counts = np.bincount(trace.model_codes, minlength=len(trace.models))
    by_model = np.split(arrivals[np.argsort(trace.model_codes, kind="stable")], np.cumsum(counts)[:-1])
    return {
        "requests": len(trace),
        "duration_s": window_ns / 1e9,
        **_tempo(arrivals, window_ns),
        "simultaneous_share": float(np.mean(np.diff(arrivals) == 0)) if len(trace) > 1 else None,
        **{f"index_of_dispersion_{w}s": index_of_dispersion(arrivals, window_ns, w * 10**9) for w in (1, 10, 60)},
        "peak_minute_start_s": peak_start_s,
        "peak_minute_rate_rps": peak_rate_rps,
        "models": {
            model: {"requests": len(times), "share": len(times) / len(trace), **_tempo(times, window_ns)}
            for model, times in zip(trace.models, by_model, strict=True)
        },
    }


def index_of_dispersion(arrival_ns: _Times, duration_ns: int, width_ns: int) -> float | None:
    """Return variance over mean of the counts in the whole windows of `width_ns`; None if these are fewer than two.

    The variance is the unbiased one.

    Examples
    --------
    >>> index_of_dispersion(np.array([0, 1, 2, 3]), duration_ns=20, width_ns=10)
    4.0
    """
    windows = duration_ns // width_ns
    _, counts = _occupied(arrival_ns, windows, width_ns)
    total = int(counts.sum())
    if windows < 2 or total == 0:
        return None
    squares = float(np.sum(counts.astype(float) ** 2))
    return (squares / total - total / windows) * windows / (windows - 1)


def _occupied(arrival_ns: _Times, windows: int, width_ns: int) -> tuple[_Times, _Times]:
    """Return which windows hold arrivals and how many; empty ones are not stored, there may be billions."""
    which = arrival_ns[: np.searchsorted(arrival_ns, windows * width_ns)] // width_ns
    first = np.flatnonzero(np.diff(which, prepend=-1))
    return which[first], np.diff(first, append=len(which))


def _peak_minute(arrival_ns: _Times, duration_ns: int) -> tuple[float | None, float | None]:
    which, counts = _occupied(arrival_ns, duration_ns // _MINUTE_NS, _MINUTE_NS)
    if not len(counts):
        return None, None
    peak = int(counts.argmax())
    return float(which[peak] * 60), float(counts[peak] / 60)


def _tempo(arrival_ns: _Times, duration_ns: int) -> dict[str, float | None]:
    gaps = np.diff(arrival_ns)
    mean = gaps.mean() if len(gaps) > 1 else 0.0
    return {
        "rate_rps": len(arrival_ns) / (duration_ns / 1e9) if duration_ns else None,
        "gap_cv": float(gaps.std() / mean) if mean else None,
    }
