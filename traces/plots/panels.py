"""Draw curves as SVG, several panels in two columns."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from isim.traces.plots.curves import Curve

_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999")
_WIDTH, _HEIGHT = 440, 220
_LEFT, _TOP, _INNER_WIDTH, _INNER_HEIGHT = 60, 34, 360, 140


class Panel(NamedTuple):
    """Curves over one pair of axes.

    Examples
    --------
    >>> Panel("rate", "time, s", [("bert", Curve(np.array([0.0]), np.array([1.0])))]).logarithmic
    False
    """

    title: str
    x_name: str
    curves: Sequence[tuple[str, Curve]]
    """Each with its name, which may be empty."""
    logarithmic: bool = False
    """Both axes."""


def panels_svg(panels: Sequence[Panel], title: str) -> str:
    """Return a picture of the panels as an SVG document; equal panels give equal pictures.

    Parameters
    ----------
    title
        What stands above it.

    Examples
    --------
    >>> curve = Curve(np.array([0.0, 1.0]), np.array([2.0, 3.0]))
    >>> panels_svg([Panel("rate", "time, s", [("a", curve)])], "t").startswith("<svg")
    True
    """
    rows = math.ceil(len(panels) / 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * _WIDTH}" height="{rows * _HEIGHT + 40}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">{escape(title)}</text>',
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number % 2 * _WIDTH},{number // 2 * _HEIGHT + 30})">')
        parts.extend(_drawn(panel))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _drawn(panel: Panel) -> Iterator[str]:
    curves = [(name, _shown(curve, panel.logarithmic)) for name, curve in panel.curves]
    x_ticks = _ticks([curve.x for _, curve in curves], panel.logarithmic)
    y_ticks = _ticks([curve.y for _, curve in curves], panel.logarithmic, from_zero=not panel.logarithmic)
    bottom = _TOP + _INNER_HEIGHT
    yield f'<text x="{_LEFT}" y="{_TOP - 10}" font-weight="bold">{escape(panel.title)}</text>'
    for tick in x_ticks:
        x = _LEFT + _place(tick, x_ticks) * _INNER_WIDTH
        yield f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{_label(tick, panel.logarithmic)}</text>'
    for tick in y_ticks:
        y = bottom - _place(tick, y_ticks) * _INNER_HEIGHT
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _INNER_WIDTH}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 4}" y="{y + 4:.1f}" text-anchor="end">{_label(tick, panel.logarithmic)}</text>'
    yield f'<text x="{_LEFT + _INNER_WIDTH / 2}" y="{bottom + 30}" text-anchor="middle">{escape(panel.x_name)}</text>'
    for number, (name, curve) in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{_LEFT + _place(x, x_ticks) * _INNER_WIDTH:.1f},{bottom - _place(y, y_ticks) * _INNER_HEIGHT:.1f}"
            for x, y in zip(curve.x, curve.y, strict=True)
        )
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/>'
        if name:
            y = _TOP + 12 + 13 * number
            shown = escape(name if len(name) < 28 else name[:25] + "...")
            yield f'<text x="{_LEFT + _INNER_WIDTH - 4}" y="{y}" text-anchor="end" fill="{colour}">{shown}</text>'


def _shown(curve: Curve, logarithmic: bool) -> Curve:
    """Take logarithms, of what has one."""
    if not logarithmic:
        return curve
    positive = (curve.x > 0) & (curve.y > 0)
    return Curve(np.log10(curve.x[positive]), np.maximum(np.log10(curve.y[positive]), -8.0))


def _ticks(values: Sequence[np.ndarray], logarithmic: bool, from_zero: bool = False) -> list[float]:
    """Choose round numbers, of which the outermost are the ends of the axis."""
    both = np.concatenate(list(values))
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    low = 0.0 if from_zero else low
    if high - low < 1e-12:
        high = low + 1.0
    step = 10.0 ** math.floor(math.log10(high - low))
    if logarithmic:
        step = max(1.0, round((high - low) / 5))
    else:
        step *= next(digit for digit in (0.2, 0.5, 1.0, 2.0) if (high - low) / (step * digit) <= 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _place(value: float, ticks: Sequence[float]) -> float:
    return (value - ticks[0]) / (ticks[-1] - ticks[0])


def _label(tick: float, logarithmic: bool) -> str:
    return f"{10**tick:g}" if logarithmic else f"{tick:g}"
