"""`isim trace slice`: an interval of time, or some models."""

from pathlib import Path

import click

from isim.cli.parameters import Seconds
from isim.cli.trace_output import save_stream, written_options


@click.command("slice")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--start", "start_s", type=Seconds(), help="Since the start of the trace.  [its start]")
@click.option("--end", "end_s", type=Seconds(), help="Since the start of the trace, not included.  [its end]")
@click.option("--models", help="Keep requests to these only: NAME,...")
@written_options
def command(
    file: Path,
    start_s: float | None,
    end_s: float | None,
    models: str | None,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Write the requests of the trace FILE that arrive from start to end; the start becomes time 0.

    \b
    isim trace slice t.parquet --start 1h --end 2h -o hour.parquet
    """
    from isim.traces.trace_stream import TraceStream
    from isim.traces.transforms.cut import cut

    names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
    end_ns = None if end_s is None else round(end_s * 1e9)
    save_stream(cut(TraceStream.read(file), round((start_s or 0) * 1e9), end_ns, names), output, force, quiet)
