"""`isim trace dequantize`: requests that a coarse clock put together, spread."""

from pathlib import Path

import click

from isim.cli.parameters import Seconds
from isim.cli.trace_output import save, written_options


@click.command("dequantize")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--tick", "tick_s", type=Seconds(), help="Of the clock; found by itself if left out.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the new times.")
@written_options
def command(file: Path, tick_s: float | None, seed: int, output: Path, force: bool, quiet: bool) -> None:
    """Write the trace FILE with each request moved uniformly into its tick of the clock; their order stays.

    \b
    isim trace dequantize mooncake.parquet --seed 1 -o spread.parquet
    """
    from isim.traces.trace import Trace
    from isim.traces.transforms.dequantize import dequantize

    tick_ns = None if tick_s is None else round(tick_s * 1e9)
    save(dequantize(Trace.read(file), seed, tick_ns), {}, output, force, quiet)
