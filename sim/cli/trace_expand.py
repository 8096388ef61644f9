"""`isim trace expand`: requests of rates."""

from pathlib import Path

import click

from isim.cli.parameters import Number
from isim.cli.trace_output import save_stream, written_options


@click.command("expand")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(["recorded", "poisson", "gamma", "count", "even"]),
    default="recorded",
    help="recorded: each window's own law. count: exactly so many, at random. even: so many, at equal gaps.",
)
@click.option(
    "--cv", type=Number(more_than=0), help="CV of the gaps, in place of the windows' own (recorded and gamma)."
)
@click.option("--factor", type=Number(more_than=0), default=1.0, help="What the rate is multiplied by.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the new requests.")
@written_options
def command(
    file: Path, method: str, cv: float | None, factor: float, seed: int, output: Path, force: bool, quiet: bool
) -> None:
    """Write a trace drawn from the rates FILE.

    \b
    isim trace expand counts.parquet --method poisson --seed 1 -o t.parquet
    """
    from isim.traces.expand import expand
    from isim.traces.rates import Rates

    stream = expand(Rates.read(file), method, seed=seed, cv=cv, rate_factor=factor)
    save_stream(stream, output, force, quiet)
