"""`isim trace check`: read a trace from end to end."""

import json
from pathlib import Path

import click


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(file: Path, as_json: bool) -> None:
    """Read a trace FILE from end to end, chunk by chunk; say what it holds, or what is wrong with it.

    Rates are checked too. What is allowed but rarely meant is noted, of traces of up to 10 million requests.

    \b
    isim trace check t.parquet
    """
    from isim.traces.check_file import check_file

    found = check_file(file)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{file}: {found['kind']}, {found['rows']:,} rows, {', '.join(found['models'])}; nothing wrong")
    for oddity in found["notes"]:
        click.echo(f"isim: note: {oddity}", err=True)
