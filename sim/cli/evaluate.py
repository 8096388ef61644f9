"""`isim evaluate`: which predictor is right, on the same batches."""

from contextlib import ExitStack
from pathlib import Path

import click

from isim.cli.parameters import RecordedSharing, SvgPath

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("source", metavar="RUN|RECORDING", type=_FILE)
@click.option("--profile", help="Profile of the batches.  [that of the run; of a recording none]")
@click.option("--predictor", "predictors", multiple=True, help="NAME[:key=value,...], repeatable, first the baseline.")
@click.option(
    "--split",
    type=click.Choice(["time", "model", "pair", "concurrency", "random"]),
    help="Train on a part, test on the rest; if left out, every batch is tested on, then learned from.",
)
@click.option("--train", "train_on", type=_FILE, help="Train on this run or recording, test on the other.")
@click.option("--train-profile", help="Profile of what is trained on.  [that of --profile]")
@click.option(
    "--sharing",
    type=RecordedSharing(shares=False),
    help="Sharing mode of the recordings to take; modes are never pooled.",
)
@click.option("--plot", type=SvgPath(), help="Draw errors into this file (.svg).")
@click.option("-f", "--force", is_flag=True, help="Replace an existing picture.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to standard error but errors.")
@click.option("--seed", default=0, type=click.IntRange(min=0), help="Of random splits, predictors and intervals.")
def command(
    source: Path, profile: str | None, predictors: tuple[str, ...], split: str | None, train_on: Path | None,
    train_profile: str | None, sharing: str | None, plot: Path | None, force: bool, as_json: bool, quiet: bool,
    seed: int,
) -> None:  # fmt: skip
    """Ask predictors about every batch of a run folder or a co-location recording, and print how wrong they are.

    Every batch is asked about when it is dispatched, as a scheduler must, and again with hindsight, when all its
    overlaps are known; then it is learned from.

    \b
    isim evaluate out/ --predictor none --predictor mean
    isim evaluate pairs.parquet --profile p.parquet --predictor mean --split pair
    isim evaluate held-back.parquet --profile p.parquet --predictor mean --train pairs.parquet
    """
    import json

    from isim.cli.evaluation_table import print_evaluation
    from isim.cli.progress import progress
    from isim.evaluate import describe_cases, evaluate, trials_of
    from isim.evaluation.evaluation_plot import evaluation_svg
    from isim.evaluation.load_cases import load_cases
    from isim.run import versions
    from isim.traces.whole_file import whole_file

    if not predictors:
        raise click.UsageError("no --predictor; name at least one, see 'isim list predictors'")
    if split is not None and train_on is not None:
        raise click.UsageError("--split and --train both say what to train on; give one of them")
    if train_profile is not None and train_on is None:
        raise click.UsageError("--train-profile says nothing without --train")
    with ExitStack() as stack:
        say = stack.enter_context(progress(quiet))
        picture = None if plot is None else stack.enter_context(whole_file(plot, force))  # before minutes of evaluating
        say(f"reading {source}")
        cases, prepare = load_cases(source, profile, sharing)
        trained_on = None
        if train_on is not None:
            say(f"reading {train_on}")
            trained_on, _ = load_cases(train_on, train_profile or profile, sharing)
        say(f"asking {len(predictors)} predictors about {len(cases.cases):,} batches")
        results = evaluate(predictors, trials_of(cases, split, trained_on, seed), seed, prepare)
        if picture is not None:
            picture.write(evaluation_svg(results, str(source)).encode())
    if not quiet:
        for each in [cases] if trained_on is None else [cases, trained_on]:
            for note in each.notes:
                click.echo(f"isim: {each.path}: {note}", err=True)
        if plot is not None:
            click.echo(f"isim: wrote {plot}", err=True)
    found = {
        "source": describe_cases(cases),
        "trained_on": None if trained_on is None else describe_cases(trained_on),
        "split": split,
        "seed": seed,
        "versions": versions(),
        "results": results,
    }
    if as_json:
        click.echo(json.dumps(found, indent=2, sort_keys=True))
    else:
        print_evaluation(found)
