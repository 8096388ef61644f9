"""Draw a trace as SVG: the rate over time, the gaps, the index of dispersion, and the models."""

from collections.abc import Iterator

import numpy as np

from isim.traces.plots.curves import Curve, burst_curve, gap_curve, poisson_gap_curve, rate_curve
from isim.traces.plots.panels import Panel, panels_svg
from isim.traces.trace import Trace

_BINS = 240
_MODELS = 6


def trace_svg(trace: Trace, title: str) -> str:
    """Return a picture of the trace as an SVG document; equal traces give equal pictures.

    Parameters
    ----------
    title
        What stands above it.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=range(0, 10**9, 10**7), model="a", duration_ns=10**9)
    >>> trace_svg(trace, "t.parquet").startswith("<svg")
    True
    """
    return panels_svg(list(_panels(trace)), title)


def _panels(trace: Trace) -> Iterator[Panel]:
    yield Panel("rate over time, rps", "time, s", [("", rate_curve(trace, _BINS))], False)
    if (gaps := gap_curve(trace)) is not None:
        curves = [("gaps", gaps), ("Poisson", poisson_gap_curve(trace, gaps))]
        yield Panel("share of gaps longer than", "gap, s", curves, True)
    if (bursts := burst_curve(trace)) is not None:
        curves = [("trace", bursts), ("Poisson", Curve(bursts.x, np.ones(len(bursts.x))))]
        yield Panel("index of dispersion", "window, s", curves, True)
    counts = np.bincount(trace.model_codes)
    busiest = [trace.models[code] for code in np.argsort(-counts, kind="stable")[:_MODELS]]
    curves = [(model, rate_curve(trace, _BINS // 4, model)) for model in busiest]
    yield Panel("rate of the busiest models, rps", "time, s", curves, False)
