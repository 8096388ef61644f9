"""The page of a run."""

from collections.abc import Iterable

from isim.report.batches_window import batches_window
from isim.report.page import page
from isim.report.run_charts import run_charts
from isim.run import Run


def run_page(run: Run, title: str, facts: Iterable[tuple[str, str]]) -> str:
    """Return the page of a run as HTML.

    Parameters
    ----------
    facts
        What the run was made of, a name and a line each.

    Raises
    ------
    RunError
        A table of it cannot be read.
    """
    total = run.summary["total"]
    tiles = [
        ("SLO attainment", _text(total["attainment"], ".2%")),
        ("goodput, rps", _text(total["goodput_rps"], ",.1f")),
        ("median latency, ms", _text(total["latency_p50_s"], ".3g", 1e3)),
        ("p99 latency, ms", _text(total["latency_p99_s"], ".3g", 1e3)),
        ("requests", f"{total['requests']:,}"),
        ("refused", f"{total['rejected'] + total['dropped']:,}"),
        ("requests a batch", _text(total["mean_batch_size"], ".2f")),
        ("GPU busy", _text(total["busy_share"], ".1%")),
        ("p95 slowdown", _text(total["slowdown_p95"], ".3f")),
    ]
    charts = list(run_charts(run))
    if (timeline := batches_window(run)) is not None:
        charts.append(timeline)
    return page(title, "Run of isim", run.warnings, facts, tiles, [], charts)


def _text(value: float | None, form: str, scale: float = 1.0) -> str:
    return "-" if value is None else f"{value * scale:{form}}"
