"""`isim trace show`: what a trace is like."""

import json
from pathlib import Path
from typing import Any

import click

from isim.cli.parameters import SvgPath
from isim.units import format_seconds


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--plot/--no-plot", default=True, help="Draw the rate over time and the burstiness.")
@click.option("--svg", type=SvgPath(), help="Draw into this file (.svg), too.")
@click.option("-f", "--force", is_flag=True, help="Replace an existing picture.")
def command(file: Path, as_json: bool, plot: bool, svg: Path | None, force: bool) -> None:
    """Print how many requests a trace FILE holds, how fast they come and how bursty they are.

    \b
    isim trace show t.parquet --svg t.svg
    """
    from isim.traces.plots.svg import trace_svg
    from isim.traces.plots.text import text_plots
    from isim.traces.statistics import describe
    from isim.traces.trace import Trace
    from isim.traces.whole_file import whole_file

    trace = Trace.read(file)
    if svg is not None:
        with whole_file(svg, force) as picture:
            picture.write(trace_svg(trace, file.name).encode())
    figures = describe(trace)
    if as_json:
        click.echo(json.dumps({**figures, "sha256": trace.digest(), "footer": trace.footer}, indent=2))
        return
    for label, text in figure_lines(figures):
        click.echo(f"{label:<26}{text}")
    if plot:
        click.echo()
        for line in text_plots(trace):
            click.echo(line)
    width = max(len("model"), *map(len, figures["models"]))
    rates = {model: _number(row["rate_rps"], " rps") for model, row in figures["models"].items()}
    wide = max(12, *(len(rate) + 2 for rate in rates.values())) if rates else 12
    click.echo(f"\n{'model':<{width}}{'requests':>12}{'share':>8}{'rate':>{wide}}{'CV of gaps':>12}")
    for model, row in figures["models"].items():
        click.echo(
            f"{model:<{width}}{row['requests']:>12,}{row['share']:>8.3f}{rates[model]:>{wide}}{_number(row['gap_cv']):>12}"
        )


def figure_lines(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the name and the text of every figure of a whole trace."""
    from isim.traces.statistics import DISPERSION_WIDTHS_S

    dispersion = {width_s: _number(figures[f"index_of_dispersion_{width_s}s"]) for width_s in DISPERSION_WIDTHS_S}
    correlation = figures["gap_autocorrelation"]
    return [
        ("requests", f"{figures['requests']:,}"),
        ("observed", format_seconds(figures["duration_s"])),
        ("rate", _number(figures["rate_rps"], " rps")),
        ("CV of gaps", _number(figures["gap_cv"])),
        ("gaps", _quantiles(figures["gap_s"])),
        ("autocorrelation of gaps", "-" if correlation is None else f"{correlation[0]:.3f} at lag 1"),
        ("index of dispersion", ", ".join(f"{text} in {width_s:g} s" for width_s, text in dispersion.items())),
        ("  inside a minute", f"{_number(figures['index_of_dispersion_1s_within_minutes'])} in 1 s"),
        ("Hurst exponent", _number(figures["hurst"])),
        ("clock", _clock(figures)),
        ("peak minute", _peak(figures)),
    ]


def _quantiles(gap_s: dict[str, float] | None) -> str:
    if gap_s is None:
        return "-"
    return ", ".join(f"{name} {format_seconds(gap_s[name]) if gap_s[name] else '0'}" for name in ("p50", "p99", "max"))


def _clock(figures: dict[str, Any]) -> str:
    tick = "-" if figures["clock_tick_s"] is None else f"ticks every {format_seconds(figures['clock_tick_s'])}"
    ties = figures["simultaneous_share"]
    return tick if ties is None else f"{tick}, {ties * 100:.3g} % of the gaps are 0"


def _peak(figures: dict[str, Any]) -> str:
    if figures["peak_minute_rate_rps"] is None:
        return "-"
    start = format_seconds(figures["peak_minute_start_s"]) if figures["peak_minute_start_s"] else "0 s"
    return f"{_number(figures['peak_minute_rate_rps'], ' rps')}, from {start} on"


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.4g}{unit}"
