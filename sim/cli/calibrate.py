"""`isim calibrate`: fit contention models to a co-location recording."""

from typing import Any

import click

from isim.cli.parameters import RecordedSharing


@click.command()
@click.option("--profile", required=True, type=click.Path(), help="The kernels of the recording's workloads, alone.")
@click.option("--recording", required=True, type=click.Path(), help="What was measured together.")
@click.option(
    "--model", "models", multiple=True, help="A contention model to fit (repeatable), or all; all if left out."
)
@click.option(
    "--sharing",
    default="streams",
    type=RecordedSharing(shares=True),
    help="Which sharing mode of the recording to fit; modes are never pooled.",
)
@click.option("-o", "--output", type=click.Path(), help="Where to write the best model, as TOML.")
@click.option("-f", "--force", is_flag=True, help="Replace the file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--seed", default=0, type=click.IntRange(min=0), help="Seeds the bootstrap.")
def command(
    profile: str, recording: str, models: tuple[str, ...], sharing: str, output: str | None, force: bool,
    as_json: bool, seed: int,
) -> None:  # fmt: skip
    """Fit contention models to measured co-location, and print their errors on what they have not seen.

    \b
    isim calibrate --profile p.parquet --recording c.parquet --sharing mps -o contention.toml
    isim run --profile p.parquet --contention contention.toml
    """
    import json

    from isim.calibrate import calibrate
    from isim.cli.progress import progress
    from isim.cli.tables import print_table
    from isim.contention.contention_file import check_free, write_contention
    from isim.plugins import list_plugins

    if output is not None:
        check_free(output, force)  # before minutes of fitting
    names = models if models and "all" not in models else [plugin.name for plugin in list_plugins("isim.contention")]
    with progress(quiet=False) as say:
        say(f"fitting {', '.join(names)}")
        found = calibrate(profile, recording, sharing, names, seed)
    for note in found["left_out"]:
        click.echo(f"isim: {note}", err=True)
    if as_json:
        click.echo(json.dumps(found, indent=2, sort_keys=True))
    else:
        _print(found, print_table)
    for warning in found["warnings"]:
        click.echo(f"isim: {warning}", err=True)
    least = f"{found['best']}, the least error on pairs left out"
    if output is None:
        said = f"best is {least}; keep it with -o FILE.toml, or another by its --model, for --contention FILE.toml"
        click.echo(f"isim: {said}", err=True)
    else:
        best = found["models"][found["best"]]
        content = {"name": found["best"], **{key: found[key] for key in ("inputs", "versions", "sharing", "mixes")}}
        write_contention(
            output, {**content, **{key: best[key] for key in ("parameters", "intervals", "errors", "families")}}, force
        )
        click.echo(f"isim: wrote {output} ({least}); use it with --contention {output}", err=True)


def _print(found: dict[str, Any], print_table: Any) -> None:
    kinds = list(found["models"][found["best"]]["errors"])
    click.echo(f"{found['mixes']} mixes, {found['slowdowns']} slowdowns, sharing {found['sharing']}")
    click.echo(
        "Mean absolute error of slowdown in per cent, 95 % interval over mixes, 90th percentile; by what was left out"
    )

    def cell(error: dict[str, float] | None) -> list[str]:
        if error is None:
            return ["-", "", ""]
        low, high = 100 * error["mape_low"], 100 * error["mape_high"]
        return [f"{100 * error['mape']:.1f}", f"[{low:.1f}, {high:.1f}]", f"{100 * error['p90_ape']:.1f}"]

    print_table(
        "",
        ["model", *(text for kind in kinds for text in (kind if kind != "fit" else "nothing", "interval", "p90"))],
        (
            [name, *(text for kind in kinds for text in cell(model["errors"].get(kind)))]
            for name, model in found["models"].items()
        ),
    )
    families = list(found["models"][found["best"]]["families"])
    if families:
        print_table(
            "Mean error in per cent by the model that was left out",
            ["model", *families],
            (
                [name, *(f"{100 * model['families'][family]['mape']:.1f}" for family in families)]
                for name, model in found["models"].items()
                if model["families"]
            ),
        )
    rows = [
        [name, parameter, f"{value:g}", f"[{model['intervals'][parameter][0]:g}, {model['intervals'][parameter][1]:g}]",
         "frozen: the data cannot tell" if parameter in model["unidentified"] else ""]
        for name, model in found["models"].items()
        for parameter, value in model["parameters"].items()
    ]  # fmt: skip
    if rows:
        print_table("Parameters", ["model", "parameter", "value", "interval", ""], rows)
