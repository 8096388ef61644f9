"""`isim validate`: simulated against measured co-location."""

import re
from typing import Any

import click

_CONDITION = re.compile(r"\s*([a-z0-9_]+)\s*(<=|>=|<|>)\s*([0-9.eE+-]+)\s*")


@click.command()
@click.option("--profile", required=True, type=click.Path(), help="The kernels of the recording's workloads, alone.")
@click.option("--recording", required=True, type=click.Path(), help="What was measured together.")
@click.option("--contention", required=True, help="A contention file (.toml), or NAME[:parameter=value,...].")
@click.option("--sharing", default="streams", help="The recording's sharing mode to replay; modes are never pooled.")
@click.option("--fail-if", help="Exit with 3 if this holds, such as 'mape > 0.1'; any number of the summary.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(profile: str, recording: str, contention: str, sharing: str, fail_if: str | None, as_json: bool) -> None:
    """Replay measured mixes through the engine, and print how far simulated slowdowns are from measured ones.

    \b
    isim validate --profile p.parquet --recording c.parquet --sharing mps --contention contention.toml
    """
    import json

    from isim.contention_file import load_contention
    from isim.mixes import read_mixes
    from isim.profiler.colocation import Recording
    from isim.profiler.profile import Profile
    from isim.validate import validate

    condition = _CONDITION.fullmatch(fail_if) if fail_if is not None else None
    if fail_if is not None and condition is None:
        raise click.BadParameter(f"not a condition (found {fail_if!r}); write FIGURE > NUMBER", param_hint="--fail-if")
    model, _ = load_contention(contention)
    known = Profile.read(profile)
    mixes, left_out = read_mixes(Recording.read(recording), known, sharing, recording)
    for note in left_out:
        click.echo(f"isim: {note}", err=True)
    found = validate(known, mixes, model)
    if as_json:
        click.echo(json.dumps(found, indent=2, sort_keys=True))
    else:
        _print(found, contention, sharing)
    if condition is not None and _holds(found, condition):
        click.echo(f"isim: {fail_if} (found {found[condition[1]]:.4g})", err=True)
        raise SystemExit(3)


def _holds(found: dict[str, Any], condition: re.Match[str]) -> bool:
    value = found.get(condition[1])
    if not isinstance(value, int | float):
        names = ", ".join(name for name, each in found.items() if isinstance(each, int | float))
        raise click.BadParameter(f"no such figure (found {condition[1]!r}); choose of {names}", param_hint="--fail-if")
    limit = float(condition[3])
    return {"<": value < limit, ">": value > limit, "<=": value <= limit, ">=": value >= limit}[condition[2]]


def _print(found: dict[str, Any], contention: str, sharing: str) -> None:
    from isim.cli.tables import print_table

    def row(name: str, errors: dict[str, Any]) -> list[str]:
        interval = f"[{100 * errors['mape_low']:.1f}, {100 * errors['mape_high']:.1f}]"
        rest = [f"{100 * errors[key]:.1f}" for key in ("median_ape", "p90_ape")]
        return [name, str(errors["n"]), f"{100 * errors['mape']:.1f}", interval, *rest, f"{100 * errors['bias']:+.1f}"]

    click.echo(f"contention {contention}, sharing {sharing}, {found['mixes_replayed']} mixes")
    print_table(
        "Errors of slowdown in per cent of the measured one",
        ["", "slowdowns", "mean", "95 % interval", "median", "p90", "bias"],
        [
            *(row(f"{size} members", errors) for size, errors in found["by_size"].items()),
            *(row(name, errors) for name, errors in found["by_workload"].items()),
            row("total", found),
        ],
    )
    repeats = found["repeatability"]
    click.echo(f"\nwithout interference   {100 * found['no_interference_mape']:.1f}")
    click.echo(f"relative throughput    {100 * found['throughput_mape']:.1f}")
    click.echo(f"repeats of one mix     {f'{100 * repeats:.1f}' if repeats is not None else 'none were measured'}")
