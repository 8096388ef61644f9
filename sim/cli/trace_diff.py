"""`isim trace diff`: two traces side by side."""

import json
from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("diff")
@click.argument("first", type=_PATH)
@click.argument("second", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(first: Path, second: Path, as_json: bool) -> None:
    """Print the statistics of the traces FIRST and SECOND side by side, and whether their requests are the same.

    \b
    isim trace diff recorded.parquet resampled.parquet
    """
    from isim.traces.diff import diff
    from isim.traces.trace import Trace

    found = diff(Trace.read(first), Trace.read(second))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"the requests are {'the same' if found['same'] else 'not the same'}")
    width = max(map(len, found["figures"]))
    click.echo(f"{'':<{width}}{'first':>14}{'second':>14}{'ratio':>10}")
    for name, (one, other) in found["figures"].items():
        ratio = f"{other / one:.3g}" if one and other is not None else "-"
        cells = ["-" if value is None else f"{value:,.6g}" for value in (one, other)]
        click.echo(f"{name:<{width}}{cells[0]:>14}{cells[1]:>14}{ratio:>10}")
