"""A page that needs nothing but itself: data, style and the script that draws, in one file of HTML."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from isim import __version__


def page(
    title: str, subtitle: str, warnings: Iterable[str], facts: Iterable[tuple[str, str]],
    tiles: Iterable[tuple[str, str]], tables: Iterable[str], charts: Sequence[dict[str, Any]],
) -> str:  # fmt: skip
    """Return the page as HTML.

    Parameters
    ----------
    facts
        What was simulated, a name and a line each.
    tiles
        The figures that matter most, what they are and how much.
    tables
        HTML of tables.
    charts
        What `isim.report.chart` made.
    """
    own = files("isim.report")
    script = own.joinpath("report.js").read_text(encoding="utf-8") + own.joinpath("timeline.js").read_text("utf-8")
    # No end of an element can stand in what is read as the content of one.
    data = json.dumps(charts, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>\n{own.joinpath('report.css').read_text('utf-8')}</style>\n</head>",
        f'<body>\n<main>\n<h1>{escape(title)}</h1>\n<div class="sub">{escape(subtitle)}</div>',
        *(f'<p class="warn">{escape(each)}</p>' for each in warnings),
        '<dl>', *(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts), "</dl>",
        '<div class="tiles">',
        *(f'<div class="tile"><b>{escape(much)}</b><span>{escape(name)}</span></div>' for name, much in tiles),
        "</div>", *tables, '<div class="grid" id="charts"></div>',
        f'<p class="note">isim {__version__}</p>\n</main>\n<div id="tip"></div>',
        f'<script type="application/json" id="data">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n',
    ]  # fmt: skip
    return "\n".join(parts)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as HTML, the first column flush left.

    Examples
    --------
    >>> "<td>a &lt; b</td>" in table("T", ["x"], [["a < b"]])
    True
    """
    head = "".join(f"<th>{escape(each)}</th>" for each in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows)
    return (
        f'<section class="card wide" style="margin-bottom:16px"><h2>{escape(title)}</h2><div class="scroll">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )
