"""`isim import trace csv` and `jsonl`: requests in a file of any columns, by their names."""

from pathlib import Path
from typing import Any

import click

from isim.cli.trace_output import output_options, save

_UNITS = click.Choice(["s", "ms", "us", "ns"])
_COLUMNS = (
    "request_id",
    "priority",
    "tenant",
    "class",
    "batch",
    "input_tokens",
    "output_tokens",
    "work",
    "session_id",
    "parent_id",
)


def _column_options(command: Any) -> Any:
    for name in reversed(_COLUMNS):
        flag, words = name.replace("_", "-"), name.replace("_", " ")
        command = click.option(f"--{flag}-column", name, metavar="NAME", help=f"Column of the {words}.")(command)
    for option in (
        click.option("--sort", is_flag=True, help="Sort by arrival instead of refusing an unsorted file."),
        click.option(
            "--origin",
            type=click.Choice(["first", "zero"]),
            default="first",
            help="Time 0 of the trace: the first arrival, or zero of the file's clock.",
        ),
        click.option("--slo-unit", type=_UNITS, default="ms", help="Unit of the latency objectives."),
        click.option("--slo-column", metavar="NAME", help="Column of the latency objectives."),
        click.option("--model", metavar="NAME", help="The one model of all requests, in place of a column."),
        click.option("--model-column", metavar="NAME", help="Column of the models."),
        click.option("--arrival-unit", type=_UNITS, required=True, help="Unit of the arrival times."),
        click.option("--arrival-column", required=True, metavar="NAME", help="Column of the arrival times."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


def _import(json_lines: bool, file: Path, slo: Any, output: Path, force: bool, quiet: bool, **given: Any) -> None:
    if (given["model_column"] is None) == (given["model"] is None):
        raise click.UsageError("give either --model-column or --model")
    from isim.traces.importers.columns import read_columns

    picked = {name: given.pop(name) for name in _COLUMNS}
    columns = {name: column for name, column in picked.items() if column is not None}
    save(read_columns(file, columns=columns, json_lines=json_lines, **given), slo, output, force, quiet)


@click.command("csv")
@_column_options
@output_options
def csv(**given: Any) -> None:
    """Import FILE, a CSV file with a header (or gzipped CSV), by the names of its columns.

    \b
    isim import trace csv requests.csv --arrival-column ts --arrival-unit ms --model-column name -o t.parquet
    """
    _import(False, **given)


@click.command("jsonl")
@_column_options
@output_options
def jsonl(**given: Any) -> None:
    """Import FILE, JSON lines (or gzipped), one object a request, by the names of its fields.

    \b
    isim import trace jsonl requests.jsonl --arrival-column ts --arrival-unit s --model llm -o t.parquet
    """
    _import(True, **given)
