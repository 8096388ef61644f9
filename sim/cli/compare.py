"""`isim compare`: run several policies on the same requests and say how they differ."""

from pathlib import Path
from typing import Any

import click

from isim.cli.experiment_flags import experiment_flags


@click.command("compare")
@experiment_flags
@click.option("--policy", "policies", multiple=True, help="NAME[:key=value,...], repeatable, first the baseline.")
@click.option("--seeds", default=5, type=click.IntRange(min=1), help="Replications: seeds from --seed on.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Keep the run folders here.")
@click.option("-f", "--force", is_flag=True, help="Replace the folder of an earlier comparison.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to standard error but errors.")
def command(
    experiment: Path | None, policies: tuple[str, ...], seeds: int, output: Path | None, force: bool, as_json: bool,
    quiet: bool, **flags: Any,
) -> None:  # fmt: skip
    """Run several policies on the same requests and say how their figures differ.

    At every seed all policies meet the same arrivals and the same noise, so that their difference is told apart from
    luck: its 95 % interval is that of the paired differences.

    \b
    isim compare --policy fcfs --policy greedy --policy dynamic:max_batch=8,max_queue_delay=2ms
    isim compare --profile p.parquet --trace t.parquet --policy greedy --policy static:batch_size=4 -o cmp/
    """
    import json

    from isim.cli.comparison_table import print_comparison
    from isim.cli.progress import progress
    from isim.compare import compare
    from isim.experiment import Experiment

    checked = Experiment.from_flags(experiment, **flags)
    with progress(quiet) as say:
        found = compare(checked, policies or (checked.policy,), seeds, output, force, say)
    if not quiet and found.note:
        click.echo(f"isim: {found.note}", err=True)
    if not quiet and output is not None:
        click.echo(f"isim: wrote {output}", err=True)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, sort_keys=True))
    else:
        print_comparison(found)
