"""The tables of `isim compare --capacity`."""

from collections.abc import Mapping

import click

from isim.cli.comparison_table import letter, show
from isim.cli.tables import print_table, run_facts
from isim.comparison.axis import WORDS
from isim.comparison.capacity import Capacity
from isim.comparison.pairs import Ranked
from isim.statistics import interval


def print_capacity(found: Capacity) -> None:
    """Print what was searched, what every variant sustains, and attainment and goodput around that."""
    letters = {variant: letter(number) for number, variant in enumerate(found.variants)}
    first = [found.descriptions[variant] for variant in found.variants]
    same = set.intersection(*({*run_facts(description)} for description in first))
    for name, value in run_facts(first[0]):
        if (name, value) in same and name not in ("policy", "seed", "simulated"):
            click.echo(f"{name:<12}{value}")
    last = f" to {found.seeds[-1]}" if len(found.seeds) > 1 else ""
    click.echo(f"{'seeds':<12}{found.seeds[0]}{last}; the same pattern of arrivals for every variant at a seed")
    for note in found.notes:
        click.echo(f"{'note':<12}{note}")
    for variant in found.variants:
        click.echo(f"{'variant ' + letters[variant]:<12}{variant}")
    baseline = found.variants[0]
    words = WORDS[found.axis.name]
    print_table(
        f"{words.found} with {found.requirement}; a difference is real if p < 0.05, corrected (Holm)",
        [
            "rank",
            "variant",
            words.column,
            "95 % interval",
            f"minus {letter(0)}",
            "95 % interval",
            f"really {words.really} than",
        ],
        (_row(found, ranked, letters) for ranked in found.ranking()),
        left=1,
    )
    for figure, title in (("attainment", "SLO attainment"), ("goodput_rps", "Goodput, rps")):
        print_table(
            f"{title} {words.over}",
            [words.axis, *letters.values()],
            (
                [f"{at:.5g}"]
                + [_mean([each[figure] for each in found.curves[variant][at]]) for variant in found.variants]
                for at in found.curves[baseline]
            ),
        )


def _row(found: Capacity, ranked: Ranked, letters: Mapping[str, str]) -> list[str]:
    change = found.difference(ranked.variant) if ranked.variant != found.variants[0] else None
    losers = ", ".join(letters[loser] for loser in ranked.better_than) or "none"
    shown = (*show(found.interval(ranked.variant), 1.0), *show(change, 1.0, signed=True))
    return [str(ranked.rank), letters[ranked.variant], *shown, losers]


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{interval(known).mean:.4g}" if known else "-"
