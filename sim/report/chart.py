"""What is drawn, as data: `report.js` turns each chart into SVG."""

from collections.abc import Sequence
from typing import Any

from isim.report.thin import Curve

Chart = dict[str, Any]


def lines(
    title: str, x: str, y: str, series: Sequence[tuple[str, Curve]], note: str = "", log_x: bool = False,
    top: float | None = None, bands: Sequence[Sequence[Any]] | None = None,
) -> Chart:  # fmt: skip
    """Return a chart of lines.

    Parameters
    ----------
    x, y
        What the axes show, with the unit.
    series
        Names and points.
    log_x
        Logarithmic x axis.
    top
        Where the y axis ends at least.
    bands
        For each line, the lower and the upper end of the interval at each point.
    """
    drawn = [
        {"name": name, "x": curve.x, "y": curve.y, **({"band": bands[number]} if bands else {})}
        for number, (name, curve) in enumerate(series)
    ]
    return {"kind": "lines", "title": title, "note": note, "x": x, "y": y, "logX": log_x, "top": top, "series": drawn}


def boxes(title: str, x: str, rows: Sequence[tuple[str, Sequence[float], str]], note: str = "") -> Chart:
    """Return a chart of distributions, one a row: percentiles 5, 25, 50, 75 and 95, and what stands beside them."""
    return {
        "kind": "boxes", "title": title, "note": note, "x": x,
        "rows": [{"name": name, "at": [round(each, 5) for each in at], "said": said} for name, at, said in rows],
    }  # fmt: skip


def intervals(title: str, x: str, rows: Sequence[dict[str, Any]], note: str = "", zero: bool = False) -> Chart:
    """Return a chart of means with intervals, one a row.

    Parameters
    ----------
    rows
        Each `name`, `mean`, `ci95` (None or two ends), `values` of the replications, and whether it is `strong`.
    zero
        Draw a line at zero, which differences are read against.
    """
    return {"kind": "intervals", "title": title, "note": note, "x": x, "rows": list(rows), "zero": zero}


def bars(title: str, x: str, y: str, categories: Sequence[str], series: Sequence[tuple[str, Sequence[float]]]) -> Chart:
    """Return a chart of stacked bars, a bar for each category."""
    drawn = [{"name": name, "y": [float(f"{each:.5g}") for each in values]} for name, values in series]
    return {"kind": "bars", "title": title, "note": "", "x": x, "y": y, "categories": list(categories), "series": drawn}
