"""`isim profile`: record what each operation of a model's batch takes of a device, alone and beside others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isim.cli.parameters import Seconds
from isim.cli.profile_check import check, self_test
from isim.cli.progress import progress

if TYPE_CHECKING:
    from isim.profiler.device.contract import Bench
    from isim.profiler.mix import Mix
    from isim.profiler.profile import Profile

_ANALYTIC_GPU = "T4"
_LARGEST_BATCH = 1_000_000


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str) -> list[int]:
    try:
        sizes = [int(size) for size in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"not a list of whole numbers (found {text!r}); write sizes such as 1,2,4,8") from None
    if min(sizes) < 1:
        raise click.BadParameter(f"a batch holds at least one sample (found {text!r}); write sizes such as 1,2,4,8")
    if max(sizes) > _LARGEST_BATCH:
        raise click.BadParameter(
            f"a batch holds at most {_LARGEST_BATCH:,} samples (found {text!r}); write sizes such as 1,2,4,8"
        )
    return sizes


@click.command("profile")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--models", "named", default="", help="More MODELs, comma-separated, as elsewhere on the command line.")
@click.option(
    "--device", required=True, help="cpu, cpu:0,1 (these cores), cuda:0, or analytic:GPU such as analytic:T4."
)
@click.option(
    "--check",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=check,
    help="Say what can be recorded on this host's GPU, and exit.",
)
@click.option(
    "--self-test",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=self_test,
    help="Try on this host's GPU whether recording works, and exit.",
)
@click.option("--batch-sizes", default="1,2,4,8", callback=_sizes, help="Samples a batch, comma-separated.")
@click.option("--colocate", "mixes", multiple=True, metavar="MIX", help="Record a mix, such as 'resnet18@4 + mlp@8'.")
@click.option("--colocate-all", is_flag=True, help="Record every pair of the models at the batch sizes.")
@click.option("--members", default=2, type=click.IntRange(2, 8), help="With --colocate-all: 3 for every three of them.")
@click.option("--pairs", type=click.IntRange(1), help="With --colocate-all: at most so many mixes, evenly chosen.")
@click.option(
    "--sharing",
    type=click.Choice(["threads", "streams", "processes", "mps"]),
    help="How a mix shares the device; by default threads on a CPU, streams on a GPU.",
)
@click.option("--repetitions", default=50, type=click.IntRange(2), help="Of each batch, at least.")
@click.option("--timeout", "timeout_s", default="10s", type=Seconds(), help="Longest time for one batch or mix.")
@click.option("--stretch", "stretch_s", default="250ms", type=Seconds(), help="Shortest time members run together.")
@click.option(
    "--seed", default=0, type=click.IntRange(min=0), help="Of the phases at which the members of a mix begin."
)
@click.option(
    "--sequence-length", default=128, type=click.IntRange(min=1), help="Tokens a sample of a text network (analytic)."
)
@click.option("--precision", default="fp16", type=click.Choice(["fp16", "fp32"]), help="fp16: tensor cores (analytic).")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Parquet file to write.")
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def command(
    models: tuple[str, ...],
    named: str,
    device: str,
    mixes: tuple[str, ...],
    colocate_all: bool,
    output: Path,
    **options: Any,
) -> None:
    """Record a profile, or the co-location of several models, on a device.

    MODEL is an .onnx file, module:factory (any callable), or a built-in name. An interrupted recording goes on where
    it stopped when the same command is given again.

    \b
    isim profile resnet18 mlp --device cpu -o cpu.parquet
    isim profile bert.onnx --device cuda:0 --batch-sizes 1,8 -o gpu.parquet
    isim profile --colocate 'resnet18@4 + mlp@8' --device cpu -o pair.parquet
    isim profile resnet50 vgg19 --device analytic:T4 -o t4.parquet
    """
    models += tuple(name for name in named.split(",") if name)
    if not models and (colocate_all or not mixes):
        raise click.UsageError("name at least one MODEL; for analytic ones, 'all' is every network")
    if models and mixes:
        raise click.UsageError("--colocate names its models itself; leave MODEL out, or use --colocate-all")
    if device.partition(":")[0] == "analytic":
        if mixes or colocate_all:
            raise click.UsageError("--device analytic measures nothing; record co-location on a cpu or cuda device")
        _analytic(device.partition(":")[2] or _ANALYTIC_GPU, models, output, **options)
    elif mixes or colocate_all:
        _colocate(_mixes(models, mixes, colocate_all, **options), device, output, **options)
    else:
        _profile(models, device, output, **options)


def _analytic(
    gpu: str,
    models: tuple[str, ...],
    output: Path,
    batch_sizes: list[int],
    sequence_length: int,
    precision: Any,
    force: bool,
    as_json: bool,
    **_options: Any,
) -> None:
    from isim.profiler.device.analytic import analytic_profile
    from isim.profiler.networks.registry import network_names

    names = network_names() if models == ("all",) else models
    profile = analytic_profile(gpu, names, batch_sizes, sequence_length, precision)
    profile.write(output, force)
    report(profile, output, as_json)


def _profile(
    models: tuple[str, ...],
    device: str,
    output: Path,
    batch_sizes: list[int],
    repetitions: int,
    timeout_s: float,
    force: bool,
    quiet: bool,
    as_json: bool,
    **_options: Any,
) -> None:
    from isim.profiler.profile_campaign import record_profile
    from isim.profiler.stopping import Stopping

    stopping = Stopping(min_repetitions=repetitions, timeout_s=timeout_s)

    def record(bench: "Bench", show: Callable[[str], None]) -> "Profile":
        return record_profile(bench, models, batch_sizes, output, stopping=stopping, force=force, progress=show)

    profile = _recorded(device, quiet, record)
    for batch in profile.footer["batches"]:
        for problem in _doubts(batch):
            click.echo(f"isim: {batch['model']} at batch size {batch['batch_size']}: {problem}", err=True)
    report(profile, output, as_json)


def _colocate(
    mixes: "list[Mix]",
    device: str,
    output: Path,
    sharing: str | None,
    repetitions: int,
    timeout_s: float,
    stretch_s: float,
    seed: int,
    force: bool,
    quiet: bool,
    as_json: bool,
    **_options: Any,
) -> None:
    from isim.profiler.colocated import Rounds
    from isim.profiler.colocation import Recording
    from isim.profiler.colocation_campaign import record_colocation
    from isim.profiler.colocation_summary import colocation_text
    from isim.profiler.stopping import Stopping

    rounds = Rounds(stretch_s, stopping=Stopping(min_repetitions=repetitions, noise=0.01, timeout_s=timeout_s))

    def record(bench: "Bench", show: Callable[[str], None]) -> Recording:
        how = sharing or bench.device.sharings[0]
        return record_colocation(bench, mixes, how, output, rounds=rounds, seed=seed, force=force, progress=show)

    recording = _recorded(device, quiet, record)
    click.echo(f"isim: wrote {output} (measured, {len(recording.table)} executions)", err=True)
    measured = recording.footer["mixes"]
    click.echo(
        json.dumps({"output": str(output), "mixes": measured}, indent=2) if as_json else colocation_text(measured)
    )


def _mixes(
    models: tuple[str, ...],
    mixes: tuple[str, ...],
    colocate_all: bool,
    batch_sizes: list[int],
    members: int,
    pairs: int | None,
    **_options: Any,
) -> "list[Mix]":
    from isim.profiler.mix import all_mixes, parse_mix

    return all_mixes(models, batch_sizes, members, pairs) if colocate_all else [parse_mix(text) for text in mixes]


def _recorded(device: str, quiet: bool, record: "Callable[[Bench, Callable[[str], None]], Any]") -> Any:
    from isim.profiler.device.open import open_bench

    bench = open_bench(device)
    try:
        for note in bench.notes:
            click.echo(f"isim: {note}", err=True)
        with progress(quiet) as show:
            return record(bench, show)
    except KeyboardInterrupt:
        click.echo("isim: what is measured so far is kept; the same command goes on where it stopped", err=True)
        raise
    finally:
        bench.device.close()


def _doubts(batch: dict[str, Any]) -> list[str]:
    doubts = []
    if batch["profiler_overhead_flagged"]:
        doubts.append(f"recording its operations made it {batch['profiler_overhead']:.0%} slower; see the footer")
    if not batch["warm"]:
        doubts.append("its device never left idle; the durations may be those of a low clock")
    if batch["rejected_share"] > 0:
        doubts.append(f"{batch['rejected_share']:.0%} of the repetitions were throttled and do not count")
    return doubts


def report(profile: "Profile", output: Path, as_json: bool, quiet: bool = False) -> None:
    """Print what a written profile holds."""
    from isim.profiler.summary import summary, summary_text

    if not quiet:
        click.echo(f"isim: wrote {output} ({profile.origin}, {len(profile.table)} operations)", err=True)
    if as_json:
        click.echo(json.dumps({"output": str(output), "origin": profile.origin, "batches": summary(profile)}, indent=2))
    else:
        click.echo(summary_text(profile))
