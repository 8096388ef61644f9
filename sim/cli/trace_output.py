"""What the commands that write a trace or rates share: where to, with which objectives, and what is said of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isim.cli.parameters import EVERY_MODEL, Slo, merged

if TYPE_CHECKING:
    from isim.traces.rates import Rates
    from isim.traces.trace import Trace
    from isim.traces.trace_stream import TraceStream

_NAMED = 8


def written_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that say where it writes."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Say nothing of what was written."),
        click.option("-f", "--force", is_flag=True, help="Replace an existing file."),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            required=True,
            help="File to write (Parquet).",
        ),
    ):
        command = option(command)
    return command


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that `save` takes."""
    slo = click.option(
        "--slo",
        type=Slo(),
        multiple=True,
        callback=merged,
        help="Latency objective of all models, or of one; may be repeated.",
    )
    return slo(written_options(command))


def save(trace: "Trace", slo: dict[str, float], output: Path, force: bool, quiet: bool) -> None:
    """Give the requests their objectives (in seconds, by model), write the trace and say what was written."""
    from isim.traces.objectives import with_slo
    from isim.traces.oddities import oddities

    if slo:
        slo_ns = {model: round(seconds * 1e9) for model, seconds in slo.items()}
        otherwise_ns = slo_ns.pop(EVERY_MODEL, None)
        trace = with_slo(trace, slo_ns, otherwise_ns)
    trace.write(output, force)
    if not quiet:
        _say(output, len(trace), "request", trace.models, trace.footer)
        for oddity in oddities(trace):
            click.echo(f"isim: note: {oddity}", err=True)


def save_stream(stream: "TraceStream", output: Path, force: bool, quiet: bool) -> None:
    """Write a trace chunk by chunk and say what was written."""
    survey = stream.write(output, force)
    if not quiet:
        _say(output, survey.requests, "request", survey.models, {})


def save_rates(rates: "Rates", output: Path, force: bool, quiet: bool) -> None:
    """Write rates and say what was written."""
    rates.write(output, force)
    if not quiet:
        _say(output, len(rates), "window", rates.models, rates.footer)


def _say(output: Path, number: int, noun: str, models: Sequence[str], footer: dict[str, Any]) -> None:
    more = f" and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
    named = ", ".join(models[:_NAMED]) + more
    click.echo(f"isim: wrote {output}: {_count(number, noun)} {'to' if noun == 'request' else 'of'} {named}", err=True)
    for reason, count in footer.get("source", {}).get("rows_dropped", {}).items():
        click.echo(f"isim: dropped {_count(count, 'row')}: {reason}", err=True)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
