"""`isim plan`: how many GPUs, which models on which, in which batches; as an experiment to run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isim.cli.parameters import Rate, Seconds, Slo, Weights, merged

if TYPE_CHECKING:
    from isim.planning.plan import Plan


@click.command("plan")
@click.argument("planner", type=click.Choice(["nexus", "gpulets", "igniter"]))
@click.option("--profile", help="Profile of the GPU: a file, or analytic:GPU.  [built-in: analytic:L4]")
@click.option("--trace", help="Requests of a file, at their mean rates.")
@click.option("--arrivals", "process", help="How the experiment generates requests: NAME[:key=value,...].  [poisson]")
@click.option("--rate", "rate_rps", type=Rate(), help="Mean rate of all models together, such as 200rps.")
@click.option("--duration", "duration_s", type=Seconds(), help="For how long the experiment generates requests.  [60s]")
@click.option("--models", type=Weights(), help="Models and their parts of the rate; all of the profile if left out.")
@click.option("--predictor", help="What gpulets asks how models slow each other down, NAME[:key=value,...].  [none]")
@click.option("--slo", "slo_s", type=Slo(), multiple=True, callback=merged, help="Latency objectives; repeatable.")
@click.option("--seed", type=int, help="Of the experiment.  [0]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Experiment file to write (TOML).")
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to standard error but errors.")
def command(planner: str, output: Path | None, force: bool, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Plan how many GPUs are needed, which models are on which and in which batches, and write it as an experiment.

    Without a profile or requests of your own it is the built-in example. What the GPUs must bear is told by the rate;
    plan for more than you then run, for arrivals are uneven.

    \b
    isim plan nexus --profile p.parquet --rate 300rps --models resnet50=2,bert=1 --slo 50ms,bert=100ms -o nexus.toml
    isim run nexus.toml --rate 250rps
    """
    from isim.building.inputs import Problems
    from isim.planning.experiment_writing import check_free, write_experiment

    if planner == "nexus" and flags["predictor"] is not None:
        raise click.UsageError("--predictor goes with gpulets: under nexus nothing runs beside anything; leave it out")
    problems = Problems()
    if output is not None:
        problems.collect(lambda: check_free(output, force))
    made = problems.collect(lambda: _planned(planner, flags))
    problems.raise_any()
    assert made is not None
    found, keys = made
    if output is not None:
        write_experiment(output, keys, [*found.lines(), *found.notes()], force)
    if not quiet:
        for note in found.notes():
            click.echo(f"isim: {note}", err=True)
        if output is not None:
            click.echo(f"isim: wrote {output}", err=True)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2, sort_keys=True))
    else:
        _print(found)


def _planned(planner: str, flags: dict[str, Any]) -> tuple["Plan", dict[str, Any]]:
    from isim.experiment import Experiment
    from isim.plan import plan
    from isim.planning.file_keys import planned_keys

    experiment = Experiment.from_flags(None, **flags)
    found = plan(planner, experiment)
    return found, planned_keys(found, experiment)


def _print(found: "Plan") -> None:
    from isim.cli.tables import print_table

    click.echo(f"{found.gpus} GPU" + ("" if found.gpus == 1 else "s"))
    print_table(
        "",
        ["GPU", "model", "rate rps", "batch size", "batch ms", "part of SMs", "duty cycle ms", "busy"],
        (
            [
                f"{part.gpu}", part.model, f"{part.rate_rps:.4g}", f"{part.batch_size}", f"{1e3 * part.duration_s:.4g}",
                f"{part.sm_share:g}", "-" if part.duty_cycle_s is None else f"{1e3 * part.duty_cycle_s:.4g}",
                f"{part.busy_share:.3f}",
            ]
            for part in found.parts
        ),
        left=1,
    )  # fmt: skip
