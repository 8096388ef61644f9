"""`isim trace thin`: a random part of a trace."""

from pathlib import Path

import click

from isim.cli.parameters import Number
from isim.cli.trace_output import save_stream, written_options


@click.command("thin")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--share", type=Number(more_than=0, most=1), required=True, help="Probability with which a request is kept, 0 to 1."
)
@click.option("--by", help="Keep or drop all requests of one value of this column, such as session_id.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the choice.")
@written_options
def command(file: Path, share: float, by: str | None, seed: int, output: Path, force: bool, quiet: bool) -> None:
    """Write a random part of the trace FILE.

    \b
    isim trace thin t.parquet --share 0.1 --seed 1 -o tenth.parquet
    """
    from isim.traces.trace_stream import TraceStream
    from isim.traces.transforms.thin import thin

    save_stream(thin(TraceStream.read(file), share, seed, by), output, force, quiet)
