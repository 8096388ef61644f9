"""Draw grids of ratios as heat maps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

_CELL_WIDTH, _CELL_HEIGHT, _LEFT, _WIDTH = 54, 20, 130, 430
Grid = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By the name of a row and of a column: an interval, of which the mean is drawn."""


def heat_maps_svg(maps: Sequence[tuple[str, Grid]], title: str) -> str:
    """Return the maps, two in a row, as an SVG document: blue below 1, red above, white at 1.

    Examples
    --------
    >>> heat_maps_svg([("set", {"row": {"column": {"mean": 0.5}}})], "title").count("<rect")
    2
    """
    tall = 70 + _CELL_HEIGHT * max(len(grid) for _, grid in maps)
    size = f'width="{2 * _WIDTH}" height="{40 + tall * -(-len(maps) // 2)}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="10" y="22" font-size="14">{escape(title)}</text>']  # fmt: skip
    for place, (name, grid) in enumerate(maps):
        parts.append(f'<g transform="translate({place % 2 * _WIDTH},{40 + place // 2 * tall})">')
        parts.append(f'<text x="10" y="12" font-weight="bold">{escape(name)}</text>')
        parts.extend(_drawn(grid))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _drawn(grid: Grid) -> Iterator[str]:
    columns = list(next(iter(grid.values())))
    yield f'<text x="{_LEFT - 8}" y="28" text-anchor="end">{escape(columns[0].rpartition(" ")[0])}</text>'
    for i, column in enumerate(columns):
        x = _LEFT + _CELL_WIDTH * (i + 0.5)
        yield f'<text x="{x:g}" y="28" text-anchor="middle">{escape(column.rpartition(" ")[2])}</text>'
    for j, (name, row) in enumerate(grid.items()):
        y = 34 + _CELL_HEIGHT * j
        yield f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
        for i, cell in enumerate(row.values()):
            x = _LEFT + _CELL_WIDTH * i
            box = f'x="{x}" y="{y}" width="{_CELL_WIDTH}" height="{_CELL_HEIGHT}"'
            yield f'<rect {box} fill="{_colour(cell["mean"])}" stroke="white"/>'
            yield f'<text x="{x + _CELL_WIDTH / 2:g}" y="{y + 14}" text-anchor="middle">{cell["mean"]:.2f}</text>'


def _colour(ratio: float) -> str:
    depth = min(1.0, abs(ratio - 1.0) / 0.7)
    pale = round(255 * (1.0 - 0.65 * depth))
    return f"rgb({pale},{round(255 * (1.0 - 0.35 * depth))},255)" if ratio < 1.0 else f"rgb(255,{pale},{pale})"
