"""The tables of `isim compare`."""

import math
from collections.abc import Mapping

import click

from isim.cli.tables import print_table, run_facts
from isim.comparison.comparison import Comparison
from isim.comparison.document import effects, regret
from isim.statistics import Interval

FIGURES = {
    "attainment": ("SLO attainment", 1.0),
    "goodput_rps": ("goodput, rps", 1.0),
    "throughput_rps": ("throughput, rps", 1.0),
    "late": ("late", 1.0),
    "rejected": ("rejected", 1.0),
    "dropped": ("dropped", 1.0),
    "latency_mean_s": ("mean latency, ms", 1e3),
    "latency_p50_s": ("latency p50, ms", 1e3),
    "latency_p90_s": ("latency p90, ms", 1e3),
    "latency_p95_s": ("latency p95, ms", 1e3),
    "latency_p99_s": ("latency p99, ms", 1e3),
    "latency_p99_9_s": ("latency p99.9, ms", 1e3),
    "queueing_mean_s": ("mean queueing, ms", 1e3),
    "service_mean_s": ("mean service, ms", 1e3),
    "interference_mean_s": ("mean interference, ms", 1e3),
    "mean_batch_size": ("requests a batch", 1.0),
    "mean_concurrency": ("concurrency", 1.0),
    "busy_share": ("GPU busy", 1.0),
    "slowdown_p50": ("slowdown p50", 1.0),
    "slowdown_p95": ("slowdown p95", 1.0),
}
_BESIDE = ("attainment", "latency_p90_s", "latency_p99_s", "rejected", "dropped")


def print_comparison(found: Comparison) -> None:
    """Print what was compared, every figure by variant, and which variants are really better than which."""
    letters = {variant: letter(number) for number, variant in enumerate(found.variants)}
    _print_head(found, letters)
    _print_figures(found, letters)
    if len(found.variants) > 1:
        _print_ranking(found, letters)
        _print_effects(found, letters)


def letter(number: int) -> str:
    """Return the letters that stand for a variant: A to Z, then AA and so on.

    Examples
    --------
    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    return (letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def _print_head(found: Comparison, letters: Mapping[str, str]) -> None:
    first = [found.descriptions[variant][0] for variant in found.variants]
    same = set.intersection(*({*run_facts(description)} for description in first))
    for name, value in run_facts(first[0]):
        if (name, value) in same and name not in ("policy", "seed", "simulated"):
            click.echo(f"{name:<12}{value}")
    noise = "on" if first[0]["parameters"]["noise"] else "off"
    last = f" to {found.seeds[-1]}" if len(found.seeds) > 1 else ""
    click.echo(f"{'seeds':<12}{found.seeds[0]}{last}, noise {noise}; the same requests for every variant at a seed")
    if max(found.warm_up_s) > 0:
        mean_s = math.fsum(found.warm_up_s) / len(found.warm_up_s)
        click.echo(
            f"{'warm-up':<12}left out by MSER-5: {mean_s:.3g} s on average, {max(found.warm_up_s):.3g} s at most"
        )
    for note in found.notes:
        click.echo(f"{'note':<12}{note}")
    for variant in found.variants:
        click.echo(f"{'variant ' + letters[variant]:<12}{variant}")


def _print_figures(found: Comparison, letters: Mapping[str, str]) -> None:
    first, single = found.variants[0], len(found.variants) == 1
    columns = ["", "variant", "mean", "95 % interval", f"minus {letters[first]}", "95 % interval"]
    rows = []
    for figure, (title, scale) in FIGURES.items():
        for variant in found.variants:
            difference = found.difference(variant, figure) if variant != first else None
            shown = (*show(found.interval(variant, figure), scale), *show(difference, scale, signed=True))
            rows.append([title if variant == first else "", letters[variant], *shown])
    print_table("", columns[:4] if single else columns, [row[:4] if single else row for row in rows], left=1)


def _print_ranking(found: Comparison, letters: Mapping[str, str]) -> None:
    beside = list(dict.fromkeys((found.by, *_BESIDE)))
    title, scale = FIGURES[found.by]
    pairs = found.pairs()
    print_table(
        f"Ranked by {title}; a difference is real if p < 0.05, corrected (Holm) for {len(pairs)} pairs",
        ["rank", "variant", title, "95 % interval", *(FIGURES[name][0] for name in beside[1:]), "really better than"],
        (
            [str(ranked.rank), letters[ranked.variant], *show(found.interval(ranked.variant, found.by), scale)]
            + [show(found.interval(ranked.variant, name), FIGURES[name][1])[0] for name in beside[1:]]
            + [", ".join(letters[loser] for loser in ranked.better_than) or "none"]
            for ranked in found.ranking()
        ),
        left=1,
    )


def _print_effects(found: Comparison, letters: Mapping[str, str]) -> None:
    title, scale = FIGURES[found.by]
    if switches := effects(found):
        print_table(
            f"What switches are worth: {title} with it on minus with it off",
            ["switch", "on", "off", "worth", "95 % interval"],
            ([each["name"], letters[each["on"]], letters[each["off"]], *_shown(each, scale)] for each in switches),
            left=2,
        )
    if regrets := regret(found):
        print_table(
            f"Regret: how much worse than with the oracle for predictor, {title}",
            ["variant", "oracle", "regret", "95 % interval"],
            ([letters[each["variant"]], letters[each["oracle"]], *_shown(each, scale)] for each in regrets),
            left=1,
        )


def show(found: Interval | None, scale: float, signed: bool = False) -> tuple[str, str]:
    """Return a mean and its interval as people read them; empty where there is none."""
    if found is None:
        return "", ""
    sign = "+" if signed else ""
    mean = f"{found.mean * scale:{sign}.5g}"
    if found.low is None or found.high is None:
        return mean, ""
    return mean, f"[{found.low * scale:{sign}.5g}, {found.high * scale:{sign}.5g}]"


def _shown(each: Mapping[str, object], scale: float) -> tuple[str, str]:
    mean, ends = each["mean"], each["ci95"]
    if not isinstance(mean, float):
        return "", ""
    low, high = ends if isinstance(ends, list) else (None, None)
    return show(Interval(mean, low, high, 0), scale, signed=True)
