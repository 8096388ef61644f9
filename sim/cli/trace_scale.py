"""`isim trace scale`: another rate, by a method that is named."""

from pathlib import Path

import click

from isim.cli.parameters import Number, Rate, Seconds
from isim.cli.trace_output import save, save_stream, written_options


@click.command("scale")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(["time", "thin", "replicate", "fit"]),
    required=True,
    help="time: change the tempo, the CV stays. thin: drop at random. replicate: send copies. fit: draw anew.",
)
@click.option("--factor", type=Number(more_than=0), help="What the rate is multiplied by.")
@click.option("--rate", "rate_rps", type=Rate(), help="The rate to reach, in place of a factor.")
@click.option("--jitter", "jitter_s", type=Seconds(), help="How far copies move (replicate only).")
@click.option("--window", "window_s", type=Seconds(), help="Of the fit; the whole trace if left out.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of all that is random.")
@written_options
def command(
    file: Path,
    method: str,
    factor: float | None,
    rate_rps: float | None,
    jitter_s: float | None,
    window_s: float | None,
    seed: int,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Write the trace FILE at another rate.

    \b
    isim trace scale t.parquet --method time --factor 2 -o faster.parquet
    isim trace scale t.parquet --method thin --rate 50rps -o thinner.parquet
    """
    if (factor is None) == (rate_rps is None):
        raise click.UsageError("give either --factor or --rate")
    if (jitter_s is not None) != (method == "replicate"):
        raise click.UsageError("--method replicate needs --jitter, and no other takes it")
    if window_s is not None and method != "fit":
        raise click.UsageError("--window belongs to --method fit")
    from isim.traces.trace_stream import TraceStream
    from isim.traces.transforms.replicate import replicate
    from isim.traces.transforms.scale_fit import scale_fit
    from isim.traces.transforms.scale_time import scale_time
    from isim.traces.transforms.target_rate import rate_factor
    from isim.traces.transforms.thin import thin

    trace = TraceStream.read(file)
    by = rate_factor(trace, rate_rps) if rate_rps is not None else factor
    assert by is not None
    if method == "time":
        save_stream(scale_time(trace, by), output, force, quiet)
    elif method == "thin":
        save_stream(thin(trace, by, seed), output, force, quiet)
    elif method == "replicate":
        save_stream(replicate(trace, by, round((jitter_s or 0) * 1e9), seed), output, force, quiet)
    else:
        window_ns = None if window_s is None else round(window_s * 1e9)
        save(scale_fit(trace.collected(), by, seed, window_ns=window_ns), {}, output, force, quiet)
