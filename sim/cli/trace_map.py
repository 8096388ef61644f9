"""`isim trace map`: requests, or the tenants of rates, dealt to models."""

from pathlib import Path

import click

from isim.cli.mapping_flags import Mapping, mapping_flags
from isim.cli.trace_output import save_rates, save_stream, written_options


@click.command("map")
@click.argument("file", type=click.Path(path_type=Path))
@mapping_flags
@written_options
def command(file: Path, mapping: Mapping, output: Path, force: bool, quiet: bool) -> None:
    """Deal the requests of the trace FILE, or the tenants of rates, to models.

    \b
    isim trace map t.parquet --models resnet50,bert --by tenant --map blocks --order popularity -o mapped.parquet
    """
    if mapping.models is None:
        raise click.UsageError("name the models with --models")
    from isim.traces.parquet_file import opened_parquet
    from isim.traces.rates import Rates
    from isim.traces.trace_stream import TraceStream

    if file.suffix == ".parquet" and opened_parquet(file)[1].get("kind") == "rates":
        save_rates(mapping.rates(Rates.read(file)), output, force, quiet)
    else:
        save_stream(mapping.stream(TraceStream.read(file)), output, force, quiet)
