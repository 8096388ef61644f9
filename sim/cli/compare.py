"""`isim compare`: run several variants on the same requests and say how they differ."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from isim.cli.experiment_flags import experiment_flags

_MOST_GPUS = 64


@click.command("compare")
@experiment_flags
@click.option("--policy", "policies", multiple=True, help="NAME[:key=value,...], repeatable, first the baseline.")
@click.option("--seeds", default=5, type=click.IntRange(min=1), help="Replications: seeds from --seed on.")
@click.option("--by", default="attainment", metavar="FIGURE", help="Rank by this figure.")
@click.option("--half-width", "half_width", help="Replicate until intervals are as narrow: 'latency_p99_s <= 5%'.")
@click.option("--most-seeds", default=100, type=click.IntRange(min=1), help="Replications at most, for --half-width.")
@click.option("--capacity", metavar="REQUIREMENT", help="Search what load keeps it: 'attainment >= 0.99'.")
@click.option(
    "--over", type=click.Choice(["load", "gpus"]), help="Search the highest load, or the fewest GPUs.  [load]"
)
@click.option("--most-gpus", type=click.IntRange(1, 4096), help="GPUs at most, for --over gpus.  [64]")
@click.option("--warm-up/--no-warm-up", default=True, help="Leave the start of each replication out, by MSER-5.")
@click.option("--executor", default="processes", help="processes, processes:N or dask://host:port.")
@click.option("--fail-if", help="Exit with 3 if this surely holds of a variant: 'minus_baseline_attainment < 0'.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Keep the run folders here.")
@click.option("-f", "--force", is_flag=True, help="Replace the folder of an earlier comparison.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to standard error but errors.")
def command(
    experiment: Path | None, policies: tuple[str, ...], seeds: int, by: str, half_width: str | None, most_seeds: int,
    capacity: str | None, over: str | None, most_gpus: int | None, warm_up: bool, executor: str, fail_if: str | None,
    output: Path | None, force: bool, as_json: bool, quiet: bool, **flags: Any,
) -> None:  # fmt: skip
    """Run several variants on the same requests and say which differences are real.

    EXPERIMENT is a TOML file with a table [[variant]] for each; --policy names variants without a file, or in place of
    its own. A list, or braces as in 'dynamic:max_batch={4,8}', stands for several. At every seed all variants meet the
    same arrivals and the same noise. What an interrupted comparison with -o had finished is not run again.

    \b
    isim compare --policy fcfs --policy greedy --policy 'dynamic:max_batch={4,8},max_queue_delay=2ms'
    isim compare experiment.toml --seeds 10 --by latency_p99_s -o cmp/
    isim compare experiment.toml --capacity 'attainment >= 0.99' -o cap/
    isim compare experiment.toml --capacity 'attainment >= 0.99' --over gpus
    """
    import json

    from isim.cli.comparison_table import FIGURES
    from isim.cli.fail_if import Condition, and_then
    from isim.cli.kept import kept
    from isim.cli.progress_bar import progress_bar
    from isim.cli.surely import check_figure
    from isim.comparison.axis import WORDS
    from isim.comparison.executor import make_executor
    from isim.comparison.variants import variants_of
    from isim.whole_folder import also_taken

    condition = Condition.parse(fail_if)
    if (capacity is None and over is not None) or (over != "gpus" and most_gpus is not None):
        raise click.UsageError("--over goes with --capacity, and --most-gpus with --over gpus; add them")
    if capacity is None:
        make = _comparison(seeds, by, half_width, most_seeds, not warm_up)
    elif half_width is not None or by != "attainment" or not warm_up:
        raise click.UsageError("--capacity goes without --by, --half-width and --no-warm-up; give one set")
    else:
        make = _capacity(capacity, seeds, (most_gpus or _MOST_GPUS) if over == "gpus" else None)
    if condition is not None:
        check_figure(condition, FIGURES if capacity is None else [WORDS[over or "load"].figure])
    place = make_executor(executor)
    with also_taken(output, force, "compare.json"):
        variants = variants_of(experiment, policies, **flags)
    with kept(output), progress_bar(quiet) as told:
        answer = make(variants, folder=output, force=force, executor=place, told=told)
    if not quiet:
        for note in answer.document["notes"]:
            click.echo(f"isim: {note}", err=True)
        if output is not None:
            click.echo(f"isim: wrote {output}", err=True)
    with and_then(lambda: None if condition is None else answer.leave_if(condition)):
        if as_json:
            click.echo(json.dumps(answer.document, indent=2, sort_keys=True))
        else:
            answer.show()


class _Answer(NamedTuple):
    document: dict[str, Any]
    show: Callable[[], None]
    leave_if: Callable[[Any], None]


def _comparison(
    seeds: int, by: str, half_width: str | None, most_seeds: int, with_warm_up: bool
) -> Callable[..., _Answer]:
    from isim.cli.comparison_table import FIGURES, print_comparison
    from isim.cli.surely import leave_if_any
    from isim.compare import Rules, compare
    from isim.comparison.document import document
    from isim.comparison.half_width import HalfWidth

    until = HalfWidth.parse(half_width, most_seeds) if half_width is not None else None
    rules = Rules(seeds, by, with_warm_up, until)

    def make(variants: Any, **where: Any) -> _Answer:
        found = compare(variants, rules, **where)
        return _Answer(
            document(found),
            lambda: print_comparison(found),
            lambda condition: leave_if_any(condition, found.variants, FIGURES, found.interval, found.difference),
        )

    return make


def _capacity(text: str, seeds: int, most_gpus: int | None) -> Callable[..., _Answer]:
    from isim.capacity import capacity
    from isim.cli.capacity_table import print_capacity
    from isim.cli.surely import leave_if_any
    from isim.comparison.axis import WORDS
    from isim.comparison.capacity_document import document
    from isim.comparison.requirement import Requirement

    requirement = Requirement.parse(text)

    def make(variants: Any, **where: Any) -> _Answer:
        found = capacity(variants, requirement, seeds, most_gpus=most_gpus, **where)
        return _Answer(
            document(found),
            lambda: print_capacity(found),
            lambda condition: leave_if_any(
                condition,
                found.variants,
                [WORDS[found.axis.name].figure],
                lambda variant, _: found.interval(variant),
                lambda variant, _: found.difference(variant),
            ),
        )

    return make
