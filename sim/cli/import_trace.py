"""`isim import trace`: requests recorded by others, as a trace; one command a format."""

from pathlib import Path
from typing import Any

import click

from isim.cli.parameters import Weights
from isim.cli.trace_output import output_options, save

_UNITS = click.Choice(["s", "ms", "us", "ns"])
_FILE = click.Path(path_type=Path)
_COLUMNS = ("priority", "tenant", "class", "batch", "input_tokens", "output_tokens", "work")


@click.group("trace")
def import_trace() -> None:
    """Turn recorded requests into a trace."""


@import_trace.command("azure-llm")
@click.argument("file", type=_FILE)
@click.option("--models", type=Weights(), default="llm", help="Models to deal the requests to.")
@click.option(
    "--map",
    "how",
    type=click.Choice(["stripes", "weights"]),
    default="stripes",
    help="In turn (equal weights only), or at random by weight.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of --map weights.")
@output_options
def azure_llm(file: Path, models: dict[str, float], how: str, seed: int, **output: Any) -> None:
    """Import FILE, an Azure LLM inference trace (2023 or 2024, CSV or gzipped CSV).

    \b
    isim import trace azure-llm AzureLLMInferenceTrace_code.csv --models resnet50,bert --slo 50ms -o t.parquet
    """
    from isim.traces.importers.azure_llm import read_azure_llm
    from isim.traces.mapping import map_models

    trace = read_azure_llm(file, model=next(iter(models)))
    if len(models) > 1:
        trace = map_models(trace, models, how, seed=seed)
    save(trace, **output)


def _column_options(command: Any) -> Any:
    for name in reversed(_COLUMNS):
        flag, words = name.replace("_", "-"), name.replace("_", " ")
        command = click.option(f"--{flag}-column", name, metavar="NAME", help=f"Column of the {words}.")(command)
    return command


@import_trace.command("csv")
@click.argument("file", type=_FILE)
@click.option("--arrival-column", required=True, metavar="NAME", help="Column of the arrival times.")
@click.option("--arrival-unit", type=_UNITS, required=True, help="Unit of the arrival times.")
@click.option("--model-column", metavar="NAME", help="Column of the models.")
@click.option("--model", metavar="NAME", help="The one model of all requests, in place of a column.")
@click.option("--slo-column", metavar="NAME", help="Column of the latency objectives.")
@click.option("--slo-unit", type=_UNITS, default="ms", help="Unit of the latency objectives.")
@_column_options
@click.option(
    "--origin",
    type=click.Choice(["first", "zero"]),
    default="first",
    help="Time 0 of the trace: the first arrival, or zero of the file's clock.",
)
@click.option("--sort", is_flag=True, help="Sort by arrival instead of refusing an unsorted file.")
@output_options
def csv(
    file: Path,
    arrival_column: str,
    arrival_unit: str,
    model_column: str | None,
    model: str | None,
    slo_column: str | None,
    slo_unit: str,
    origin: str,
    sort: bool,
    slo: dict[str, float],
    output: Path,
    force: bool,
    quiet: bool,
    **columns: str | None,
) -> None:
    """Import FILE, a CSV file with a header (or gzipped CSV), by the names of its columns.

    \b
    isim import trace csv requests.csv --arrival-column ts --arrival-unit ms --model-column name -o t.parquet
    """
    if (model_column is None) == (model is None):
        raise click.UsageError("give either --model-column or --model")
    from isim.traces.importers.columns import read_columns

    trace = read_columns(
        file,
        arrival_column=arrival_column,
        arrival_unit=arrival_unit,
        model_column=model_column,
        model=model,
        slo_column=slo_column,
        slo_unit=slo_unit,
        columns={name: column for name, column in columns.items() if column is not None},
        origin=origin,
        sort=sort,
    )
    save(trace, slo, output, force, quiet)
