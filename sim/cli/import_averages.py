"""`isim import profile igniter` and `gpulet`: averages of whole batches that others measured."""

from pathlib import Path
from typing import Any

import click

from isim.cli.import_output import output_options

_EXAMPLES = {
    "igniter": """the latencies and utilisations of iGniter (V100, TensorRT, MPS shares), solo.csv.

    \b
    isim import profile igniter solo.csv -o igniter.parquet""",
    "gpulet": """the throughputs and utilisations of Gpulet (PyTorch, MPS shares).

    \b
    isim import profile gpulet solo.csv utilisation.csv -o gpulet.parquet""",
}


def averages_commands() -> list[click.Command]:
    """Return a command for each source of averages."""
    return [_command(source, text) for source, text in _EXAMPLES.items()]


def _command(source: str, text: str) -> click.Command:
    def command(files: tuple[Path, ...], output: Path, force: bool, quiet: bool, as_json: bool) -> None:
        from isim.cli.profile import report
        from isim.profiler.importers.batch_averages import read_batch_averages

        profile = read_batch_averages(files, source)
        profile.write(output, force)
        report(profile, output, as_json, quiet)

    command.__doc__ = f"Import FILES, {text}\n\n    Predictors know averages; a simulation needs kernels."
    found: Any = command
    for option in (
        output_options,
        click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path)),
    ):
        found = option(found)
    made: click.Command = click.command(source)(found)
    return made
