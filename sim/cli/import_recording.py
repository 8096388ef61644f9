"""`isim import recording`: co-location measured by others, as a recording; one command a format."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isim.cli.columns import Columns
from isim.cli.flag_environment import FlagGroup
from isim.cli.import_output import output_options, say
from isim.cli.import_timeline_recording import timeline_commands
from isim.cli.parameters import Number

if TYPE_CHECKING:
    from isim.profiler.importers.recordings.experiment import Campaign
    from isim.profiler.profile import Profile

_FILE = click.Path(path_type=Path)
_FILES = click.argument("files", nargs=-1, required=True, type=_FILE)


def _profile(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> "Profile | None":
    from isim.profiler.profile import Profile

    return None if path is None else Profile.read(path)


def _options(command: Any) -> Any:
    for option in (
        output_options,
        click.option(
            "--noise",
            type=click.FloatRange(min=0),
            default=0.2,
            show_default=True,
            help="How much faster than possible a measurement may be.",
        ),
        click.option(
            "--profile", type=_FILE, callback=_profile, help="Kernels of the models, which bound how fast each can be."
        ),
    ):
        command = option(command)
    return command


def _save(
    campaign: "Campaign",
    profile: "Profile | None",
    noise: float,
    output: Path,
    force: bool,
    quiet: bool,
    as_json: bool,
    sharing: str | None = None,
) -> None:
    from isim.profiler.importers.recordings.record import record
    from isim.profiler.recording_summary import recording_summary, recording_summary_text

    recording, notes = record(campaign, sharing=sharing, profile=profile, noise=noise)
    recording.write(output, force)
    origin = recording.footer["origin"]
    say([*notes, f"wrote {output} ({origin}, {len(recording.table)} rows)"], quiet)
    if as_json:
        answer = {"output": str(output), "origin": origin, "notes": notes, "experiments": recording_summary(recording)}
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(recording_summary_text(recording))


@click.group("recording", cls=FlagGroup)
def import_recording() -> None:
    """Turn co-location measured by others into a recording."""


@import_recording.command("kace")
@_FILES
@click.option(
    "--solo",
    type=click.Choice(["rule", "kace", "peace"]),
    default="rule",
    show_default=True,
    help="Whose solo throughputs count; rule: KACE's unless stale, else PEACE's.",
)
@click.option("--sharing", type=click.Choice(["mps", "time-slicing"]), help="Take the experiments of this mode only.")
@_options
def kace(
    files: tuple[Path, ...], solo: str, sharing: str | None, profile: "Profile | None", noise: float, **output: Any
) -> None:
    """Import FILES of KACE and PEACE (V100, MPS and inferred time-slicing), told apart by their columns.

    \b
    isim import recording kace pairs.csv solo_throughput_vs_mps.csv --profile v100.parquet -o kace.parquet
    """
    from isim.profiler.importers.recordings.kace import read_kace

    _save(read_kace(files, solo=solo, profile=profile, noise=noise), profile, noise, **output, sharing=sharing)


@import_recording.command("igniter")
@_FILES
@_options
def igniter(files: tuple[Path, ...], **output: Any) -> None:
    """Import FILES of iGniter (V100, TensorRT, MPS shares): solo.csv and pairs.csv.

    \b
    isim import recording igniter solo.csv pairs.csv -o igniter.parquet
    """
    from isim.profiler.importers.recordings.igniter import read_igniter

    _save(read_igniter(files), **output)


@import_recording.command("gpulet")
@_FILES
@_options
def gpulet(files: tuple[Path, ...], **output: Any) -> None:
    """Import FILES of Gpulet (PyTorch, MPS shares): solo.csv and pairs.csv.

    \b
    isim import recording gpulet solo.csv pairs.csv -o gpulet.parquet
    """
    from isim.profiler.importers.recordings.gpulet import read_gpulet

    _save(read_gpulet(files), **output)


@import_recording.command("abacus")
@_FILES
@_options
def abacus(files: tuple[Path, ...], **output: Any) -> None:
    """Import FILES of Abacus (A100, MPS): whole models of the tables of layer ranges, alone and as makespans.

    \b
    isim import recording abacus pairs/*.csv -o abacus.parquet
    """
    from isim.profiler.importers.recordings.abacus import read_abacus

    _save(read_abacus(files), **output)


@import_recording.command("echo-slowdown")
@click.argument("file", type=_FILE)
@_options
def echo_slowdown(file: Path, **output: Any) -> None:
    """Import FILE of Echo-slowdown: kernels alone and while NCCL communicates.

    \b
    isim import recording echo-slowdown kernels_overlapped_with_nccl.csv -o echo.parquet
    """
    from isim.profiler.importers.recordings.echo_slowdown import read_echo_slowdown

    _save(read_echo_slowdown(file), **output)


@import_recording.command("gpgpusim")
@_FILES
@click.option("--clock-mhz", required=True, type=Number(more_than=0), help="Clock of the simulated SMs.")
@_options
def gpgpusim(files: tuple[Path, ...], clock_mhz: float, **output: Any) -> None:
    """Import FILES of a cycle-level simulator, of one GPU: kernels alone and on two streams.

    \b
    isim import recording gpgpusim SM75_RTX2060_*.txt --clock-mhz 1365 -o rtx2060.parquet
    """
    from isim.profiler.importers.recordings.gpgpusim import read_gpgpusim

    _save(read_gpgpusim(files, clock_mhz=clock_mhz), **output)


@import_recording.command("csv")
@_FILES
@click.option("--columns", required=True, type=Columns(), metavar="WHAT=COLUMN,...", help="Which column is what.")
@click.option("--duration-unit", type=click.Choice(["ns", "us", "ms", "s"]), help="Of duration, solo and start.")
@click.option("--throughput-unit", type=click.Choice(["samples/s", "batches/s"]), help="Of throughput and solo.")
@click.option("--share-unit", type=click.Choice(["ratio", "percent"]), help="Of the SM shares.")
@click.option("--sharing", help="Mode of all experiments, in place of a column: mps, time-slicing, streams, ...")
@click.option("--device", help="Name of the GPU they were measured on.")
@click.option("--source", help="Where the files come from.")
@click.option("--licence", help="Terms the files are under.")
@_options
def csv(
    files: tuple[Path, ...],
    columns: dict[str, str],
    duration_unit: str | None,
    throughput_unit: str | None,
    share_unit: str | None,
    sharing: str | None,
    device: str | None,
    source: str | None,
    licence: str | None,
    **output: Any,
) -> None:
    """Import FILES, CSV tables with one row a member of an experiment, by the names of their columns.

    WHAT is experiment, member, model, batch_size, share, sharing, solo, start, and duration or throughput.
    Experiments with one member are measured alone, and fill in the solo durations that no column states.

    \b
    isim import recording csv runs.csv --columns experiment=run,model=net,batch_size=n,throughput=rate \\
        --throughput-unit samples/s --sharing mps -o c.parquet
    """
    from isim.profiler.importers.recordings.columns import read_columns

    facts = {"device": {"name": device}, "source": source, "licence": licence}
    campaign = read_columns(
        files,
        columns=columns,
        duration_unit=duration_unit,
        throughput_unit=throughput_unit,
        share_unit=share_unit,
        sharing=sharing,
        facts=facts,
    )
    _save(campaign, **output)


for _command in timeline_commands():
    import_recording.add_command(_command)
