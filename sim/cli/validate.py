"""`isim validate`: simulated against measured, of a run or of co-location."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from isim.cli.parameters import RecordedSharing


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.argument("recorded", required=False, type=click.Path(path_type=Path))
@click.option("--profile", type=click.Path(), help="The kernels of the recording's workloads, alone.")
@click.option("--recording", type=click.Path(), help="What was measured together.")
@click.option("--contention", help="A contention file (.toml), or NAME[:parameter=value,...].")
@click.option(
    "--sharing",
    default="streams",
    type=RecordedSharing(shares=True),
    help="The recording's sharing mode to replay; modes are never pooled.",
)
@click.option("--fail-if", help="Exit with 3 if this holds, such as 'mape > 0.1'; any number of the summary.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    run: Path | None, recorded: Path | None, profile: str | None, recording: str | None, contention: str | None,
    sharing: str, fail_if: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Print how far simulated latencies, or slowdowns, are from measured ones.

    With RUN and RECORDED: a run folder against what hardware measured of the same requests, a table (Parquet or CSV)
    with the columns of requests.parquet. With three options instead: measured mixes, replayed through the engine.

    \b
    isim validate out/ measured.parquet --fail-if 'mape > 0.1'
    isim validate --profile p.parquet --recording c.parquet --sharing mps --contention contention.toml
    """
    import json

    from isim.cli.fail_if import Condition, and_then

    condition = Condition.parse(fail_if)
    if recorded is not None and run is not None:
        if profile or recording or contention:
            raise click.UsageError("RUN and RECORDED go without --profile, --recording and --contention; give one set")
        from isim.cli.run_errors import print_run_errors
        from isim.run import Run
        from isim.validate_run import validate_run

        found = validate_run(Run.read(run), recorded)
        show: Callable[[dict[str, Any]], None] = print_run_errors
    elif run is None and profile is not None and recording is not None and contention is not None:
        found = _colocation(profile, recording, contention, sharing)
        show = partial(_print, contention=contention, sharing=sharing)
    else:
        raise click.UsageError("give RUN and RECORDED, or --profile, --recording and --contention")
    holds = condition is not None and condition.holds(found)
    with and_then(lambda: None if condition is None else condition.leave_if(holds, found)):
        if as_json:
            click.echo(json.dumps(found, indent=2, sort_keys=True))
        else:
            show(found)


def _colocation(profile: str, recording: str, contention: str, sharing: str) -> dict[str, Any]:
    from isim.calibration.mixes import read_mixes
    from isim.contention.contention_file import load_contention
    from isim.contention.usable import check_usable
    from isim.doubtful_settings import fitted_elsewhere
    from isim.operations import Operations
    from isim.profiler.colocation import Recording
    from isim.profiler.profile import Profile
    from isim.validate import validate

    model, fitted = load_contention(contention)
    known = Profile.read(profile)
    mixes, left_out = read_mixes(Recording.read(recording), known, sharing, recording)
    for note in left_out:
        click.echo(f"isim: {note}", err=True)
    for doubt in fitted_elsewhere(contention, (fitted or {}).get("sharing"), sharing.partition(":")[0]):
        click.echo(f"isim: {doubt}", err=True)
    models = dict.fromkeys(process.model for mix in mixes for process in mix.processes)
    check_usable(model, Operations(known, models, profile), contention)
    return {**validate(known, mixes, model), "left_out": left_out}


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
