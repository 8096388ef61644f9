"""The curves that show what a trace is like; drawn as text or as SVG elsewhere."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isim.traces.burstiness import dispersion_curve
from isim.traces.trace import Trace

Floats = npt.NDArray[np.float64]
_POINTS = 200


class Curve(NamedTuple):
    """A line; x ascends."""

    x: Floats
    y: Floats


def rate_curve(trace: Trace, bins: int, model: str | None = None) -> Curve:
    """Return the rate in rps in each of so many equal parts of the observed time, against their starts in s.

    Examples
    --------
    >>> rate_curve(Trace.from_columns(arrival_ns=[0, 1, 9], model="a", duration_ns=10**10), 2).y
    array([0.6, 0. ])
    """
    duration_ns = max(trace.duration_ns, 1)
    arrival_ns = trace.arrival_ns
    if model is not None:
        arrival_ns = arrival_ns[trace.model_codes == trace.models.index(model)]
    edges_ns = np.linspace(0, duration_ns, bins + 1)
    counts = np.diff(np.searchsorted(arrival_ns, edges_ns[1:-1]), prepend=0, append=len(arrival_ns))
    return Curve(edges_ns[:-1] / 1e9, counts / (duration_ns / bins / 1e9))


def gap_curve(trace: Trace) -> Curve | None:
    """Return the share of gaps that are longer, against the gap in s; None if there are no gaps > 0.

    Examples
    --------
    >>> gap_curve(Trace.from_columns(arrival_ns=[0, 10**9, 4 * 10**9], model="a"))
    Curve(x=array([1., 3.]), y=array([0.5, 0. ]))
    """
    gaps = np.sort(np.diff(trace.arrival_ns)) / 1e9
    positive = np.flatnonzero(gaps > 0)
    if not len(positive):
        return None
    spread = np.geomspace(1, len(positive), min(_POINTS, len(positive))).astype(int)
    # Dense at the long end, where few gaps tell most.
    at = np.unique(np.concatenate([len(gaps) - spread, positive[0] + spread - 1]))
    return Curve(gaps[at], 1 - (at + 1) / len(gaps))


def poisson_gap_curve(trace: Trace, like: Curve) -> Curve:
    """Return what `gap_curve` would be of a Poisson process of the same mean gap.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 10**9, 4 * 10**9], model="a")
    >>> poisson_gap_curve(trace, gap_curve(trace)).y.round(2)
    array([0.61, 0.22])
    """
    mean_s = (trace.arrival_ns[-1] - trace.arrival_ns[0]) / 1e9 / (len(trace) - 1)
    return Curve(like.x, np.exp(-like.x / mean_s))


def burst_curve(trace: Trace) -> Curve | None:
    """Return the index of dispersion against the window in s; None of a trace too short for any.

    Examples
    --------
    >>> burst_curve(Trace.from_columns(arrival_ns=range(0, 10**9, 10**7), model="a", duration_ns=10**9)).x[-1]
    np.float64(0.1)
    """
    curve = dispersion_curve(trace.arrival_ns, trace.duration_ns)
    if not curve:
        return None
    return Curve(*(np.array(values) for values in zip(*curve, strict=True)))
