"""`isim import profile kernel-table`: CSV tables whose columns and units the user states."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isim.cli.batch_file import Batch, BatchType
from isim.cli.import_output import output_options, say
from isim.errors import ProfileError

if TYPE_CHECKING:
    from isim.profiler.importers.batch import ImportedBatch


def _columns(ctx: click.Context, param: click.Parameter, text: str) -> dict[str, str]:
    columns: dict[str, str] = {}
    for entry in text.split(","):
        name, equals, column = (part.strip() for part in entry.partition("="))
        if not (name and equals and column):
            raise click.BadParameter(f"cannot read {entry!r}; write name=kernel,duration=duration_us", ctx, param)
        if name in columns:
            raise click.BadParameter(f"{name!r} stands there twice; name one column", ctx, param)
        columns[name] = column
    return columns


@click.command("kernel-table")
@click.argument("batches", nargs=-1, required=True, type=BatchType(), metavar="MODEL@BATCH=FILE[@SOLO]...")
@click.option("--columns", required=True, callback=_columns, metavar="WHAT=COLUMN,...", help="Which column is what.")
@click.option("--duration-unit", required=True, type=click.Choice(["ns", "us", "ms", "s"]), help="Of the durations.")
@click.option("--utilisation-unit", type=click.Choice(["percent", "ratio"]), help="Of sm, memory, dram and the like.")
@click.option(
    "--above-peak", default="error", type=click.Choice(["error", "clip"]), help="Utilisations up to 10 % above peak."
)
@click.option("--device", help="Name of the GPU the tables were measured on.")
@click.option("--source", help="Where the tables come from.")
@click.option("--licence", help="Terms the tables are under.")
@output_options
def kernel_table(
    batches: tuple[Batch, ...],
    columns: dict[str, str],
    duration_unit: str,
    utilisation_unit: str | None,
    above_peak: str,
    device: str | None,
    source: str | None,
    licence: str | None,
    output: Path,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Import CSV tables of one kernel a row, one table a batch, into one profile.

    SOLO is what the batch measured alone: its period (76ms) or throughput in samples (98.3/s). What it exceeds the
    kernels by is host time, before the first kernel; kernels that exceed it are scaled to it, and that is said.
    WHAT is name, duration, sm, memory, tensor, l2, dram, pcie, occupancy, sm_needed, grid, block, registers,
    shared_memory_bytes, bytes, or segment and repeats: consecutive rows of a segment run that many times as a whole.

    \b
    isim import profile kernel-table bert@8=bert8.csv@98.3/s bert@16=bert16.csv@99.8/s \\
        --columns name=kernel,duration=duration_us,sm=sm_pct,dram=dram_pct \\
        --duration-unit us --utilisation-unit percent -o bert.parquet
    """
    from isim.profiler.importers.combine import combine_kernel_tables

    meaning = {"columns": columns, "duration_unit": duration_unit, "utilisation_unit": utilisation_unit}
    tables = _read(batches, {**meaning, "above_peak": above_peak})
    profile = combine_kernel_tables(tables, device=device, source=source, licence=licence)
    profile.write(output, force)
    say((note for table in tables for note in table.notes), quiet)
    from isim.cli.profile import report

    report(profile, output, as_json, quiet)


def _read(batches: tuple[Batch, ...], meaning: dict[str, Any]) -> "list[ImportedBatch]":
    from isim.profiler.importers.kernel_table import read_kernel_table

    tables, problems = [], dict[str, None]()
    for batch in batches:
        try:
            table = read_kernel_table(
                batch.path, batch.model, batch.batch_size, solo_period_s=batch.solo_period_s, **meaning
            )
        except ProfileError as error:
            problems |= dict.fromkeys(error.problems)
        else:
            tables.append(table)
    if problems:
        raise ProfileError(*problems)
    return tables
