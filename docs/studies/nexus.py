"""Goodput of Nexus past saturation, with early and with lazy drop.

python docs/studies/nexus.py --page docs/studies/nexus.md
"""

from pathlib import Path
from typing import Any, NamedTuple

from shapes import TRUTHS, curve, over_seeds
from study import NAMES, parser_of, profile_of, publish, rate_rps, serve, shown

from isim.profiler.profile import Profile
from isim.statistics import interval, paired_difference
from isim.traces.plots.panels import Panel, panels_svg

LOADS = (0.5, 0.8, 1.0, 1.25, 1.5, 2.0)
"""Of what the GPU can do alone in batches of eight, the largest profiled."""
POLICIES = {"early": "nexus", "lazy": "nexus:drop=earliest"}


class Setting(NamedTuple):
    """What is asked of the GPU."""

    models: tuple[str, ...]
    slo_ms: int
    truth: str
    """`none`: one batch at a time; else two at once."""

    def __str__(self) -> str:
        models = "six models" if len(self.models) > 1 else self.models[0]
        company = "one at a time" if self.truth == "none" else f"two at once, `{self.truth}`"
        return f"{models}, {self.slo_ms} ms, {company}"


SETTINGS = [
    Setting(("resnet50",), 10, "none"),
    *(Setting(tuple(NAMES), slo_ms, "none") for slo_ms in (50, 100)),
    *(Setting(tuple(NAMES), 100, truth) for truth in TRUTHS),
]
Found = dict[Setting, dict[str, dict[float, dict[str, list[float]]]]]
"""Each figure at each seed, by setting, drop policy and load."""


def figures(path: Path, setting: Setting, drop: str, load: float, seed: int, duration_s: float) -> dict[str, float]:
    """Serve, and return goodput as a share of saturation, how many of all are late, and the mean batch size."""
    profile, models = Profile.read(path), setting.models
    saturation_rps = len(models) / sum(profile.solo_ns(model, 8) / 8e9 for model in models)
    keys: dict[str, Any] = {"policy": POLICIES[drop], "slo": f"{setting.slo_ms}ms", "contention": setting.truth,
                            "concurrency": 1 if setting.truth == "none" else 2}  # fmt: skip
    load_in_fours = load * saturation_rps / rate_rps(profile, models, 1.0)
    total = serve(path, models, load_in_fours, seed, duration_s, **keys).description["summary"]["total"]
    return {
        "goodput": total["goodput_rps"] / saturation_rps,
        "late": total["late"] / total["requests"],
        "mean_batch_size": total["mean_batch_size"],
    }


def simulate(seeds: int, duration_s: float) -> Found:
    """Return the figures of every setting, drop policy and load; a seed brings the same requests to both policies."""
    with profile_of("L4") as path:

        def found(setting: Setting, drop: str, load: float) -> dict[str, list[float]]:
            return over_seeds(lambda seed: figures(path, setting, drop, load, seed, duration_s), seeds)

        return {
            setting: {drop: {load: found(setting, drop, load) for load in LOADS} for drop in POLICIES}
            for setting in SETTINGS
        }


def kept(loads: dict[float, dict[str, list[float]]]) -> list[float]:
    """Return, at each seed, what is left at the highest load of the most goodput at any."""
    by_load = [loads[load]["goodput"] for load in LOADS]
    return [last / max(each) for last, *each in zip(by_load[-1], *by_load, strict=True)]


def tables(found: Found) -> tuple[list[str], dict[str, Any]]:
    """Return what is kept of the goodput, and the figures at each load; and their numbers."""
    lines = ["| setting | kept, early | kept, lazy | early - lazy |", "|---|--:|--:|--:|"]
    by_load = ["", "| setting | load | goodput, early | lazy | late, early | lazy | batch, early | lazy |",
               "|---|--:|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    numbers: dict[str, Any] = {}
    for setting, drops in found.items():
        left = {drop: kept(loads) for drop, loads in drops.items()}
        ends = [*map(interval, left.values()), paired_difference(left["early"], left["lazy"])]
        lines.append(f"| {setting} | {' | '.join(shown(each, 3) for each in ends)} |")
        own: dict[str, Any] = dict(zip(("early", "lazy", "early_minus_lazy"), (e._asdict() for e in ends), strict=True))
        numbers[str(setting)] = {"kept": own}
        for load in LOADS:
            each = {drop: {name: interval(v) for name, v in drops[drop][load].items()} for drop in POLICIES}
            cells = [shown(each[drop]["goodput"], 3) for drop in POLICIES]
            cells += [f"{each[drop]['late'].mean:.3f}" for drop in POLICIES]
            cells += [f"{each[drop]['mean_batch_size'].mean:.1f}" for drop in POLICIES]
            by_load.append(f"| {setting} | {load} | {' | '.join(cells)} |")
            numbers[str(setting)][str(load)] = {d: {n: i._asdict() for n, i in e.items()} for d, e in each.items()}
    return lines + by_load, numbers


def picture(found: Found) -> str:
    """Draw goodput against load."""
    panels = []
    for setting, drops in found.items():
        own = {drop: [interval(loads[load]["goodput"]) for load in LOADS] for drop, loads in drops.items()}
        curves = [(drop, curve(LOADS, goodput)) for drop, goodput in own.items()]
        panels.append(Panel(f"goodput: {str(setting).replace('`', '')}", "load", curves))
    return panels_svg(panels, "Nexus: early and lazy drop, shares of saturation")


def main() -> None:
    """Simulate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=2.0, help="of arrivals, of every run")
    arguments = parser.parse_args()
    lines, numbers = tables(found := simulate(arguments.seeds, arguments.duration_s))
    lines = [
        f"{arguments.seeds} seeds of {arguments.duration_s:g} s, goodput and load in shares of saturation.",
        "",
        *lines,
    ]
    publish(
        arguments,
        "nexus",
        lines,
        {"seeds": arguments.seeds, "duration_s": arguments.duration_s} | numbers,
        picture(found),
    )


if __name__ == "__main__":
    main()
