"""`isim import profile nvidia-smi`: a log of clocks, power and throttle reasons, as telemetry."""

import json
from pathlib import Path

import click

from isim.cli.import_output import output_options, say


@click.command("nvidia-smi")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--gpu", metavar="INDEX|UUID", help="Which GPU, where the log holds several.")
@output_options
def nvidia_smi(file: Path, gpu: str | None, output: Path, force: bool, quiet: bool, as_json: bool) -> None:
    """Import FILE, a log of nvidia-smi, as telemetry: it tells which measurements were throttled.

    \b
    nvidia-smi --format=csv -lms 20 -f log.csv --query-gpu=timestamp,index,uuid,clocks.sm,clocks.mem,\\
        power.draw.instant,temperature.gpu,clocks_event_reasons.active
    isim import profile nvidia-smi log.csv -o telemetry.parquet
    """
    from isim.profiler.importers.nvidia_smi import read_nvidia_smi
    from isim.profiler.rejection import telemetry_summary

    telemetry = read_nvidia_smi(file, gpu)
    telemetry.write(output, force)
    footer, summary = telemetry.footer, telemetry_summary(telemetry)
    say((f"{file}: {name} was not logged and is null" for name in footer["not_logged"]), quiet)
    if footer["last_line_cut_off"]:
        say([f"{file}: the last line is cut off and was left out"], quiet)
    say([f"wrote {output} ({summary['samples']} samples)"], quiet)
    if as_json:
        click.echo(json.dumps({"output": str(output), **summary}, indent=2))
        return
    for name, count in summary.pop("throttle_reasons").items():
        click.echo(f"{name}: {count} of {summary['samples']} samples")
    for name, values in summary.items():
        if name != "samples":
            click.echo(f"{name}: " + ", ".join(f"{word} {value:g}" for word, value in zip(_WORDS, values, strict=True)))


_WORDS = ("lowest", "median", "highest")
