"""Draw a trace as plain text, narrow enough for any terminal."""

import math
from collections.abc import Iterator

import numpy as np

from isim.traces.plots.curves import Curve, burst_curve, rate_curve
from isim.traces.trace import Trace
from isim.units import format_seconds

_WIDTH = 60
_HEIGHT = 8


def text_plots(trace: Trace) -> Iterator[str]:
    """Yield the lines of two plots: the rate over time, and the index of dispersion over the window.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=range(0, 10**9, 10**7), model="a", duration_ns=10**9)
    >>> print(next(text_plots(trace)))
    rate over time (a column: 16.7 ms)
    """
    if trace.duration_ns <= 0:
        return
    yield f"rate over time (a column: {format_seconds(trace.duration_ns / _WIDTH / 1e9)})"
    yield from _columns(rate_curve(trace, _WIDTH), trace.duration_ns / 1e9)
    if (curve := burst_curve(trace)) is not None:
        yield ""
        yield "index of dispersion by window (a Poisson process has 1)"
        yield from _bars(curve)


def _columns(curve: Curve, duration_s: float) -> Iterator[str]:
    highest = float(curve.y.max()) or 1.0
    filled = np.ceil(curve.y / highest * _HEIGHT)
    for level in range(_HEIGHT, 0, -1):
        label = f"{highest:.4g} rps" if level == _HEIGHT else ""
        yield f"{label:>12} |{''.join('#' if height >= level else ' ' for height in filled)}".rstrip()
    yield f"{0:>12} +{'-' * _WIDTH}"
    yield f"{'':>12}  0 s{format_seconds(duration_s):>{_WIDTH - 3}}"


def _bars(curve: Curve) -> Iterator[str]:
    """Draw on a logarithmic scale around 1."""
    low, high = min(float(curve.y.min()), 1.0), max(float(curve.y.max()), 1.0)
    low = max(low, 1e-3)
    span = math.log(high / low) or 1.0
    for width_s, index in zip(curve.x, curve.y, strict=True):
        length = round(math.log(max(index, low) / low) / span * 40)
        yield f"{format_seconds(width_s):>12} {index:>9.3g} |{'#' * length}".rstrip()
