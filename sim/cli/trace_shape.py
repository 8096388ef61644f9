"""`isim trace shape`: the rise and fall of rates, within a range of rates."""

from pathlib import Path

import click

from isim.cli.parameters import Rate, Seconds, Weights
from isim.cli.trace_output import save_rates, written_options


@click.command("shape")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sum", "sum_s", type=Seconds(), required=True, help="Add up the requests of so long a time.")
@click.option("--to", "to_s", type=Seconds(), required=True, help="How long each sum lasts then.")
@click.option("--lowest", "lowest_rps", type=Rate(), required=True, help="What the least sum becomes.")
@click.option("--highest", "highest_rps", type=Rate(), required=True, help="What the greatest sum becomes.")
@click.option("--models", type=Weights(), required=True, help="Models and their shares of the rate.")
@written_options
def command(
    file: Path,
    sum_s: float,
    to_s: float,
    lowest_rps: float,
    highest_rps: float,
    models: dict[str, float],
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Write rates that rise and fall as the sum of those in FILE, between two rates.

    \b
    isim trace shape day.parquet --sum 1h --to 1s --lowest 100rps --highest 500rps --models bert -o rates.parquet
    """
    from isim.traces.rates import Rates
    from isim.traces.shape import shape

    shaped = shape(Rates.read(file), round(sum_s * 1e9), round(to_s * 1e9), lowest_rps, highest_rps, models)
    save_rates(shaped, output, force, quiet)
