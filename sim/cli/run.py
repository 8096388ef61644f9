"""`isim run`: simulate an experiment and print its figures."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import click

from isim.cli.experiment_flags import experiment_flags


@click.command("run")
@experiment_flags
@click.option("--policy", help="NAME[:key=value,...] or FILE.py:Class[:...].  [built-in: dynamic batching]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Run folder to write.  [default: runs/NAME-N]")
@click.option("-f", "--force", is_flag=True, help="Replace an existing run folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to standard error but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say how long it took.")
def command(
    experiment: Path | None, output: Path | None, force: bool, as_json: bool, quiet: bool, verbose: bool, **flags: Any
) -> None:
    """Simulate requests through a policy on GPUs and record what happened.

    EXPERIMENT is a TOML file; flags override it. Without it, and without a profile or requests of your own, it is the
    built-in example.

    \b
    isim run
    isim run --policy greedy --rate 1600rps --slo 20ms
    isim run --profile p.parquet --trace t.parquet --policy dynamic:max_batch=8 --slo resnet50=50ms -o out/
    isim run experiment.toml --seed 7
    """
    from isim.cli.progress import progress
    from isim.cli.tables import print_json, print_run
    from isim.experiment import Experiment
    from isim.whole_folder import also_taken

    with also_taken(output, force, "run.json"):
        checked = Experiment.from_flags(experiment, **flags)
    started_s = time.perf_counter()
    with progress(quiet) as say, _reserved(output, experiment.stem if experiment else "example") as folder:
        say(f"simulating into {folder}")
        run = checked.run(folder, force or output is None)
    took_s = time.perf_counter() - started_s
    if not quiet:
        for warning in run.warnings:
            click.echo(f"isim: {warning}", err=True)
        click.echo(f"isim: wrote {folder}", err=True)
    if verbose:
        boundaries = run.description["ending"]["kernel_boundaries"]
        requests = run.summary["total"]["requests"]
        click.echo(f"isim: {requests:,} requests and {boundaries:,} kernel boundaries in {took_s:.2f} s", err=True)
    if as_json:
        print_json(run)
    else:
        print_run(run)


@contextmanager
def _reserved(output: Path | None, name: str) -> Iterator[Path]:
    """Yield `output`, or the first free of runs/NAME-1, runs/NAME-2, ..., which no other process then takes."""
    if output is not None:
        yield output
        return
    runs = Path("runs")
    for number in count(1):
        folder = runs / f"{name}-{number}"
        if os.path.lexists(folder):
            continue
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:  # the run says why it cannot be written
            pass
        break
    try:
        yield folder
    finally:
        for made in (folder, runs):
            with suppress(OSError):  # a run lies in it
                made.rmdir()
