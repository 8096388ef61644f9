"""`isim import trace`: requests recorded by others, as a trace or as rates; one command a format."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isim.cli.flag_environment import FlagGroup
from isim.cli.import_columns import csv, jsonl
from isim.cli.mapping_flags import Mapping, mapping_flags
from isim.cli.parameters import Seconds
from isim.cli.trace_output import output_options, save, save_rates, written_options

if TYPE_CHECKING:
    from isim.traces.rates import Rates
    from isim.traces.trace import Trace

_FILE = click.Path(path_type=Path)


@click.group("trace", cls=FlagGroup)
def import_trace() -> None:
    """Turn recorded requests into a trace, and recorded counts into rates."""


import_trace.add_command(csv)
import_trace.add_command(jsonl)


def _requests(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command its FILE and the flags that `_finish` takes."""
    spread = click.option(
        "--dequantize", type=click.Choice(["uniform"]), help="Spread requests that a coarse clock put together."
    )
    return click.argument("file", type=_FILE)(mapping_flags(spread(output_options(command))))


def _finish(trace: "Trace", mapping: Mapping, dequantize: str | None, **output: Any) -> None:
    from isim.traces.trace_stream import TraceStream
    from isim.traces.transforms.dequantize import dequantize as spread

    if dequantize:
        trace = spread(trace, mapping.seed)
    if mapping.models and (len(mapping.models) > 1 or trace.models != (mapping.first,)):
        trace = mapping.stream(TraceStream.of(trace)).collected()
    save(trace, **output)


def _finish_rates(rates: "Rates", mapping: Mapping, **output: Any) -> None:
    if mapping.models and len(mapping.models) > 1:
        rates = mapping.rates(rates)
    save_rates(rates, **output)


@import_trace.command("auto")
@_requests
def auto(file: Path, mapping: Mapping, **rest: Any) -> None:
    """Import FILE, whose format is told from its beginning: any that needs no further facts, and holds requests.

    \b
    isim import trace auto AzureLLMInferenceTrace_code.csv -o t.parquet
    """
    from isim.traces.importers.detect import detect, read_detected

    _finish(read_detected(file, detect(file), mapping.first), mapping, **rest)


@import_trace.command("azure-llm")
@_requests
def azure_llm(file: Path, mapping: Mapping, **rest: Any) -> None:
    """Import FILE, an Azure LLM inference trace (2023 or 2024, CSV or gzipped CSV).

    \b
    isim import trace azure-llm AzureLLMInferenceTrace_code.csv --models resnet50,bert --slo 50ms -o t.parquet
    """
    from isim.traces.importers.azure_llm import read_azure_llm

    _finish(read_azure_llm(file, mapping.first or "llm"), mapping, **rest)


@import_trace.command("azure-functions-2021")
@_requests
def azure_functions_2021(file: Path, mapping: Mapping, **rest: Any) -> None:
    """Import FILE, the Azure Functions trace of 2021 (CSV); tenants are functions.

    \b
    isim import trace azure-functions-2021 AzureFunctionsInvocationTrace.txt --models a,b --by tenant -o t.parquet
    """
    from isim.traces.importers.azure_functions_2021 import read_azure_functions_2021

    _finish(read_azure_functions_2021(file, mapping.first or "function"), mapping, **rest)


@import_trace.command("burstgpt")
@click.option("--drop-failed", is_flag=True, help="Leave out requests without a response.")
@_requests
def burstgpt(file: Path, mapping: Mapping, drop_failed: bool, **rest: Any) -> None:
    """Import FILE, a part of BurstGPT (CSV).

    \b
    isim import trace burstgpt BurstGPT_1.csv --drop-failed -o t.parquet
    """
    from isim.traces.importers.burstgpt import read_burstgpt

    _finish(read_burstgpt(file, drop_failed), mapping, **rest)


@import_trace.command("mooncake")
@_requests
def mooncake(file: Path, mapping: Mapping, **rest: Any) -> None:
    """Import FILE, a Mooncake trace (JSON lines).

    \b
    isim import trace mooncake conversation_trace.jsonl --dequantize uniform --seed 1 -o t.parquet
    """
    from isim.traces.importers.mooncake import read_mooncake

    _finish(read_mooncake(file, mapping.first or "llm"), mapping, **rest)


@import_trace.command("disb")
@_requests
def disb(file: Path, mapping: Mapping, **rest: Any) -> None:
    """Import FILE, a workload of DISB (JSON); tasks that only clients can run are named and left out.

    \b
    isim import trace disb REAL.json -o t.parquet
    """
    from isim.traces.importers.disb import read_disb

    _finish(read_disb(file, mapping.seed), mapping, **rest)


@import_trace.command("azure-functions-2019")
@click.argument("files", type=_FILE, nargs=-1, required=True)
@mapping_flags
@written_options
def azure_functions_2019(files: tuple[Path, ...], mapping: Mapping, **output: Any) -> None:
    """Import FILES, days of the Azure Functions trace of 2019 (CSV), as rates; tenants are functions.

    \b
    isim import trace azure-functions-2019 invocations_per_function_md.anon.d01.csv --models a,b --map blocks
        --order popularity -o rates.parquet
    """
    from isim.traces.importers.azure_functions_2019 import read_azure_functions_2019

    _finish_rates(read_azure_functions_2019(files, mapping.first or "function"), mapping, **output)


@import_trace.command("servegen")
@click.argument("files", type=_FILE, nargs=-1, required=True)
@mapping_flags
@written_options
def servegen(files: tuple[Path, ...], mapping: Mapping, **output: Any) -> None:
    """Import FILES, clients of ServeGen (CSV without a header), as rates; tenants are clients.

    \b
    isim import trace servegen chunk-*-trace.csv --models llm -o rates.parquet
    """
    from isim.traces.importers.servegen import read_servegen

    _finish_rates(read_servegen(files, mapping.first or "llm"), mapping, **output)


@import_trace.command("counts")
@click.argument("file", type=_FILE)
@click.option("--width", "width_s", type=Seconds(), required=True, help="The time of each count, such as 1s.")
@click.option("--model", default="requests", help="What the rates call the model.")
@written_options
def counts(file: Path, width_s: float, model: str, **output: Any) -> None:
    """Import FILE, counts of requests per second, minute or any time (text or a JSON list), as rates.

    \b
    isim import trace counts twitter.txt --width 1s --model bert -o rates.parquet
    """
    from isim.traces.importers.counts import read_counts

    save_rates(read_counts(file, round(width_s * 1e9), model), **output)
