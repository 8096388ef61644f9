"""Two plots for docs/validation.md, written as SVG: measured against simulated, and how errors are distributed."""

from collections.abc import Mapping, Sequence

_SIZE, _LEFT, _TOP, _PLOT = 420, 56, 30, 330
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def scatter(title: str, measured: Sequence[float], simulated: Sequence[float]) -> str:
    """Return simulated over measured values, with the diagonal."""
    top = 1.05 * max(*measured, *simulated)
    dots = "".join(
        f'<circle cx="{_x(x / top):.1f}" cy="{_y(y / top):.1f}" r="3" fill="{_COLOURS[0]}" fill-opacity="0.6"/>\n'
        for x, y in zip(measured, simulated, strict=True)
    )
    line = f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#888"/>\n'
    return _frame(title, "measured", "simulated", top, top, line + dots)


def error_curves(title: str, errors: Mapping[str, Sequence[float]], most: float = 0.6) -> str:
    """Return, for each name, the share of errors no larger than a size; `most` is the largest size drawn."""
    lines = []
    for number, (name, values) in enumerate(errors.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        ordered = sorted(min(value, most) for value in values)
        points = [(value / most, (i + 1) / len(ordered)) for i, value in enumerate(ordered)]
        path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in [(0.0, 0.0), *points])
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>\n')
        lines.append(f'<text x="{_x(0.55)}" y="{_y(0.05) - 15 * number}" fill="{colour}">{name}</text>\n')
    return _frame(title, "absolute error, relative to the measured value", "share of values", most, 1.0, "".join(lines))


def _x(share: float) -> float:
    return round(_LEFT + _PLOT * share, 1)


def _y(share: float) -> float:
    return round(_TOP + _PLOT * (1 - share), 1)


def _frame(title: str, across: str, up: str, right: float, top: float, inside: str) -> str:
    ticks = "".join(
        f'<text x="{_x(i / 4)}" y="{_y(0) + 16}" text-anchor="middle">{right * i / 4:.2g}</text>\n'
        f'<text x="{_LEFT - 6}" y="{_y(i / 4) + 4}" text-anchor="end">{top * i / 4:.2g}</text>\n'
        for i in range(5)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE}" height="{_SIZE}" font-family="sans-serif" '
        f'font-size="11">\n<rect width="{_SIZE}" height="{_SIZE}" fill="#fff"/>\n'
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_PLOT}" height="{_PLOT}" fill="none" stroke="#444"/>\n'
        f'<text x="{_SIZE / 2}" y="18" text-anchor="middle" font-size="13">{title}</text>\n'
        f'<text x="{_SIZE / 2}" y="{_y(0) + 36}" text-anchor="middle">{across}</text>\n'
        f'<text transform="translate(14 {_SIZE / 2}) rotate(-90)" text-anchor="middle">{up}</text>\n'
        f"{ticks}{inside}</svg>\n"
    )
