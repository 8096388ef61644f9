"""`isim trace make`: requests of an arrival process, or those of an experiment, as a trace."""

from pathlib import Path
from typing import Literal

import click

from isim.cli.parameters import Rate, Seconds, Weights
from isim.cli.trace_output import output_options, save


@click.command("make")
@click.argument("process")
@click.option("--rate", "rate_rps", type=Rate(), help="Long-run mean rate of all models together.")
@click.option("--duration", "duration_s", type=Seconds(), help="How long requests arrive.")
@click.option("--models", type=Weights(), help="Models and their shares of the requests.")
@click.option("--bursts", type=click.Choice(["own", "shared"]), help="Do models burst apart or together?  [own]")
@click.option("--seed", type=click.IntRange(min=0), help="Of the random arrivals.  [0]")
@output_options
def command(
    process: str,
    rate_rps: float | None,
    duration_s: float | None,
    models: dict[str, float] | None,
    bursts: Literal["own", "shared"] | None,
    seed: int | None,
    slo: dict[str, float],
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Make a trace of an arrival PROCESS: NAME[:key=value,...] or FILE.py:Class[:...]; 'isim list arrivals' shows all.

    PROCESS may also be an experiment file (TOML): then its [arrivals] are made, as 'isim run' would; flags override it.

    \b
    isim trace make poisson --rate 200rps --duration 10m --models resnet50=3,bert=1 -o t.parquet
    isim trace make gamma:cv=4 --rate 200rps --duration 10m --models bert --bursts shared -o t.parquet
    """
    given = {"rate_rps": rate_rps, "duration_s": duration_s, "models": models, "bursts": bursts, "seed": seed}
    if process.endswith(".toml"):
        from isim.make_arrivals import make_arrivals

        trace = make_arrivals(process, **given)
    else:
        from isim.traces.make import make_trace

        if rate_rps is None or duration_s is None or models is None:
            raise click.UsageError("a process needs --rate, --duration and --models")
        trace = make_trace(
            process, rate_rps=rate_rps, duration_ns=round(duration_s * 1e9), models=models, bursts=bursts or "own",
            seed=seed or 0,
        )  # fmt: skip
    save(trace, slo, output, force, quiet)
