"""`isim show`: print the figures of a run folder."""

from pathlib import Path

import click


@click.command("show")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to standard error but errors.")
def command(run: Path, as_json: bool, quiet: bool) -> None:
    """Print the figures of the run folder RUN, as 'isim run' did.

    \b
    isim show runs/example-1
    """
    from isim.cli.tables import print_json, print_run
    from isim.run import Run

    found = Run.read(run)
    if not quiet:
        for warning in found.warnings:
            click.echo(f"isim: {warning}", err=True)
    if as_json:
        print_json(found)
    else:
        print_run(found)
