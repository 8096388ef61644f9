"""Draw the loads that policies sustain as bars with intervals."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from isim.statistics import Interval, interval

_LEFT, _LENGTH, _ROW = 330, 360, 20
_COLOURS = ("#2b6cb0", "#90cdf4", "#a0aec0")
"""Of the first policy, the second, and all others."""


def load_bars(sustained: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Return an SVG document: of each workload the mean load of each policy relative to the first, with its interval.

    Examples
    --------
    >>> load_bars({"Poisson": {"a": [200.0, 220.0], "b": [100.0, 120.0]}}).count("<rect")
    3
    """
    rows = sum(1 + len(loads) for loads in sustained.values())
    size = f'width="{_LEFT + _LENGTH + 90}" height="{40 + _ROW * rows}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
             '<rect width="100%" height="100%" fill="white"/>',
             '<text x="10" y="20" font-size="14">Load sustained with 99 % in time, 95 % intervals</text>']  # fmt: skip
    y = 30
    for workload, loads in sustained.items():
        parts.append(f'<text x="10" y="{y + 14}" font-weight="bold">{escape(workload)}</text>')
        y += _ROW
        longest = max(interval(each).high or interval(each).mean for each in loads.values())
        for place, (name, each) in enumerate(loads.items()):
            parts += _bar(name, interval(each), y, _LENGTH / longest, _COLOURS[min(place, len(_COLOURS) - 1)])
            y += _ROW
    return "\n".join([*parts, "</svg>", ""])


def _bar(name: str, found: Interval, y: int, scale: float, colour: str) -> list[str]:
    mean, low, high, _ = found
    parts = [
        f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{_LEFT}" y="{y + 3}" width="{mean * scale:.1f}" height="{_ROW - 6}" fill="{colour}"/>',
        f'<text x="{_LEFT + _LENGTH + 10}" y="{y + 14}">{mean:.0f} rps</text>',
    ]
    if low is not None and high is not None:
        ends = f'x1="{_LEFT + max(0.0, low) * scale:.1f}" x2="{_LEFT + high * scale:.1f}"'
        parts.append(f'<line {ends} y1="{y + _ROW / 2}" y2="{y + _ROW / 2}" stroke="black"/>')
    return parts
