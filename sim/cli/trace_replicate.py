"""`isim trace replicate`: every request several times."""

from pathlib import Path

import click

from isim.cli.parameters import Number, Seconds
from isim.cli.trace_output import save_stream, written_options


@click.command("replicate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--factor", type=Number(least=1), required=True, help="How often each request is sent, 1 or more.")
@click.option("--jitter", "jitter_s", type=Seconds(), required=True, help="How far copies move, either way.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the copies.")
@written_options
def command(file: Path, factor: float, jitter_s: float, seed: int, output: Path, force: bool, quiet: bool) -> None:
    """Write the trace FILE with every request sent several times, copies at most a jitter apart from it.

    \b
    isim trace replicate t.parquet --factor 3 --jitter 1s -o triple.parquet
    """
    from isim.traces.trace_stream import TraceStream
    from isim.traces.transforms.replicate import replicate

    save_stream(replicate(TraceStream.read(file), factor, round(jitter_s * 1e9), seed), output, force, quiet)
