"""`isim profile`: compute (later: record) what each operation of a model's batch takes of a device."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isim.errors import ProfileError

if TYPE_CHECKING:
    from isim.profiler.profile import Profile


class NoDeviceError(ProfileError):
    """No usable device answers to this name."""

    exit_code = 4


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str) -> list[int]:
    try:
        return [int(size) for size in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"not a list of whole numbers (found {text!r}); write sizes such as 1,2,4,8") from None


@click.command("profile")
@click.option("--device", required=True, help="analytic:GPU, such as analytic:T4; 'isim list gpus' shows the GPUs.")
@click.option("--models", required=True, help="Networks, comma-separated, or all; 'isim list models' shows them.")
@click.option("--batch-sizes", default="1,2,4,8", callback=_sizes, help="Samples a batch, comma-separated.")
@click.option("--sequence-length", default=128, type=int, help="Tokens a sample of a text network.")
@click.option("--precision", default="fp16", type=click.Choice(["fp16", "fp32"]), help="fp16 uses tensor cores.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Parquet file to write.")
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def command(
    device: str,
    models: str,
    batch_sizes: list[int],
    sequence_length: int,
    precision: str,
    output: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Compute a profile from layer shapes and data sheets, without a GPU.

    \b
    isim profile --device analytic:T4 --models resnet50,vgg19 -o t4.parquet
    isim profile --device analytic:L4 --models roberta_b --sequence-length 256 --batch-sizes 1,8 -o l4.parquet
    """
    backend, _, gpu = device.partition(":")
    if backend in ("cuda", "cpu"):
        raise NoDeviceError(
            f"--device {device}: recording on hardware is not available in this version; "
            "use analytic:GPU, or bring a recording with 'isim import profile'"
        )
    if backend != "analytic":
        raise ProfileError(f"--device {device}: no such kind of device; use analytic:GPU, such as analytic:T4")
    from isim.profiler.device.analytic import analytic_profile
    from isim.profiler.networks.registry import network_names

    names = network_names() if models == "all" else [name.strip() for name in models.split(",") if name.strip()]
    profile = analytic_profile(gpu, names, batch_sizes, sequence_length, "fp32" if precision == "fp32" else "fp16")
    profile.write(output, force)
    report(profile, output, as_json)


def report(profile: "Profile", output: Path, as_json: bool) -> None:
    """Print what a written profile holds."""
    from isim.profiler.summary import summary, summary_text

    click.echo(f"isim: wrote {output} ({profile.origin}, {len(profile.table)} operations)", err=True)
    if as_json:
        click.echo(json.dumps({"output": str(output), "origin": profile.origin, "batches": summary(profile)}, indent=2))
    else:
        click.echo(summary_text(profile))
