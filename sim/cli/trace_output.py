"""What the commands that write a trace share: where to, and with which objectives."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isim.cli.parameters import EVERY_MODEL, Slo, merged

if TYPE_CHECKING:
    from isim.traces.trace import Trace


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that `save` takes."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Say nothing of what was written."),
        click.option("-f", "--force", is_flag=True, help="Replace an existing file."),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            required=True,
            help="Trace to write (Parquet).",
        ),
        click.option(
            "--slo",
            type=Slo(),
            multiple=True,
            callback=merged,
            help="Latency objective of all models, or of one; may be repeated.",
        ),
    ):
        command = option(command)
    return command


def save(trace: "Trace", slo: dict[str, float], output: Path, force: bool, quiet: bool) -> None:
    """Give the requests their objectives (in seconds, by model), write the trace and say what was written."""
    from isim.traces.objectives import with_slo

    if slo:
        slo_ns = {model: round(seconds * 1e9) for model, seconds in slo.items()}
        otherwise_ns = slo_ns.pop(EVERY_MODEL, None)
        trace = with_slo(trace, slo_ns, otherwise_ns)
    trace.write(output, force)
    dropped = trace.footer.get("source", {}).get("rows_dropped", {})
    if not quiet:
        click.echo(f"isim: wrote {output}: {_count(len(trace), 'request')} to {', '.join(trace.models)}", err=True)
        for reason, count in dropped.items():
            click.echo(f"isim: dropped {_count(count, 'row')}: {reason}", err=True)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
