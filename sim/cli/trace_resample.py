"""`isim trace resample`: new requests from a fit."""

from pathlib import Path

import click

from isim.cli.fit_flags import fit_flags
from isim.cli.parameters import Number, Rate
from isim.cli.trace_output import save, save_stream, written_options


@click.command("resample")
@click.argument("file", type=click.Path(path_type=Path))
@fit_flags
@click.option("--factor", type=Number(more_than=0), help="What the rate is multiplied by.  [1]")
@click.option("--rate", "rate_rps", type=Rate(), help="The rate to reach, in place of a factor.")
@click.option("--cv-factor", type=Number(more_than=0), default=1.0, help="What the CV of the gaps is multiplied by.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the new requests.")
@written_options
def command(
    file: Path,
    law: str,
    method: str,
    window_s: float | None,
    by_tenant: bool,
    factor: float | None,
    rate_rps: float | None,
    cv_factor: float,
    seed: int,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Draw new requests from FILE: rates as 'isim trace fit' writes them, or a trace, which is fitted first.

    Of a trace, what requests hold is drawn from the requests to the same model.

    \b
    isim trace resample t.parquet --window 10m --factor 2 --cv-factor 1.5 --seed 1 -o new.parquet
    """
    if factor is not None and rate_rps is not None:
        raise click.UsageError("give --factor or --rate, not both")
    from isim.traces.expand import expand
    from isim.traces.fit.fit import fit
    from isim.traces.parquet_file import opened_parquet
    from isim.traces.rates import Rates
    from isim.traces.trace import Trace
    from isim.traces.transforms.draw_columns import draw_columns

    trace = None
    if file.suffix == ".parquet" and opened_parquet(file)[1].get("kind") == "rates":
        rates = Rates.read(file)
    else:
        trace = Trace.read(file)
        window_ns = None if window_s is None else round(window_s * 1e9)
        rates = fit(trace, law, method=method, window_ns=window_ns, by_tenant=by_tenant).rates
    by = rate_rps / rates.mean_rate_rps if rate_rps is not None else factor or 1.0
    drawn = expand(rates, seed=seed, rate_factor=by, cv_factor=cv_factor)
    if trace is None:
        save_stream(drawn, output, force, quiet)
    else:
        save(draw_columns(drawn.collected(), trace, seed), {}, output, force, quiet)
