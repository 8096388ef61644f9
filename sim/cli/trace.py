"""`isim trace`: make and look at traces of arriving requests."""

import json
from pathlib import Path
from typing import Any

import click

from isim.cli.trace_make import command as make
from isim.units import format_seconds


@click.group("trace")
def command() -> None:
    """Make and look at traces of arriving requests."""


command.add_command(make)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(file: Path, as_json: bool) -> None:
    """Print how many requests a trace FILE holds, how fast they come and how bursty they are."""
    from isim.traces.statistics import describe
    from isim.traces.trace import Trace

    trace = Trace.read(file)
    figures = describe(trace)
    if as_json:
        click.echo(json.dumps({**figures, "sha256": trace.digest(), "footer": trace.footer}, indent=2))
        return
    for label, text in _lines(figures):
        click.echo(f"{label:<26}{text}")
    width = max(len("model"), *map(len, figures["models"]))
    click.echo(f"\n{'model':<{width}}{'requests':>12}{'share':>8}{'rate':>12}{'CV of gaps':>12}")
    for model, row in figures["models"].items():
        rate = _number(row["rate_rps"], " rps")
        click.echo(f"{model:<{width}}{row['requests']:>12,}{row['share']:>8.3f}{rate:>12}{_number(row['gap_cv']):>12}")


def _lines(figures: dict[str, Any]) -> list[tuple[str, str]]:
    dispersion = ", ".join(f"{_number(figures[f'index_of_dispersion_{width}s'])} in {width} s" for width in (1, 10, 60))
    peak = "-"
    if figures["peak_minute_rate_rps"] is not None:
        start = format_seconds(figures["peak_minute_start_s"]) if figures["peak_minute_start_s"] else "0 s"
        peak = f"{_number(figures['peak_minute_rate_rps'], ' rps')}, from {start} on"
    return [
        ("requests", f"{figures['requests']:,}"),
        ("observed", format_seconds(figures["duration_s"])),
        ("rate", _number(figures["rate_rps"], " rps")),
        ("CV of gaps", _number(figures["gap_cv"])),
        ("index of dispersion", dispersion),
        ("peak minute", peak),
    ]


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.4g}{unit}"
