"""Latency of urgent requests beside best-effort ones: by Orion, by REEF's reset preemption, and without protection.

python docs/studies/priority_tail.py --page docs/studies/priority_tail.md
"""

from pathlib import Path
from typing import Any

import numpy as np
from shapes import TRUTHS, curve, over_seeds
from study import NAMES, parser_of, profile_of, publish, shown
from two_classes import Pair, requests, serve_both

from isim.profiler.profile import Profile
from isim.statistics import Interval, interval
from isim.traces.plots.panels import Panel, panels_svg

PAIRS = [Pair(*names) for names in zip(NAMES[::2], NAMES[1::2], strict=True)]
"""Neighbours in the alphabet, so that nobody chose."""
LOADS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of the GPU's time, by urgent requests alone."""
FIGURES = ("mean", "p99", "best_effort")
"""Latency of urgent requests as a multiple of that alone; what best-effort ones get, of the GPU by themselves."""
ALONE: dict[str, Any] = {"policy": "fcfs", "concurrency": 1}
UNGATED = f"{Path(__file__).with_name('two_classes.py')}:UrgentFirst"
MODES: dict[str, dict[str, Any]] = {
    "REEF": {"policy": "reef", "concurrency": 1},
    "REEF, reset 200 us": {"policy": "reef", "concurrency": 1, "sharing": "streams:preemption=200us"},
    **{f"Orion, `{truth}`": {"policy": "orion", "concurrency": 2, "contention": truth} for truth in TRUTHS},
    "priority only": {"policy": UNGATED, "concurrency": 2, "contention": TRUTHS[0]},
    "unprotected": {"policy": "fcfs", "sharing": "mps", "contention": TRUTHS[0]},
}
"""Priority only: Orion without its rule. Unprotected: each model is a process, with one request at a time."""
AT = [[(pair, load) for pair in PAIRS] for load in LOADS]
POINTS = [point for at_load in AT for point in at_load]
Found = dict[tuple[Pair, float], dict[str, list[float]]]
"""The figures of every mode, named `mode/figure`, at each seed, by pair and load."""


def figures(path: Path, pair: Pair, load: float, seed: int, duration_s: float) -> dict[str, float]:
    """Serve the same urgent requests by themselves and in every mode."""
    by_themselves, both = requests(Profile.read(path), pair, load, seed, duration_s)
    alone = serve_both(path, by_themselves, duration_s, pair, ALONE)
    found: dict[str, float] = {}
    for mode, keys in MODES.items():
        served = serve_both(path, both, duration_s, pair, keys)
        values = served.mean_s / alone.mean_s, served.p99_s / alone.p99_s, served.best_effort
        found |= {f"{mode}/{name}": value for name, value in zip(FIGURES, values, strict=True)}
    return found


def average(found: Found, points: list[tuple[Pair, float]], name: str) -> Interval:
    """Return the mean over some points, each seed's by itself."""
    return interval(np.mean([found[point][name] for point in points], axis=0).tolist())


def tables(found: Found) -> list[str]:
    """Return at how many points urgent requests fare as alone, and the figures of each load, over the pairs."""
    lines = ["| mode | mean within 5 % | p99 within 5 % | p99 within 20 % | best effort |", "|---|--:|--:|--:|--:|"]
    by_load = ["", "| mode | load | mean ÷ alone | p99 ÷ alone | best effort |", "|---|--:|--:|--:|--:|"]
    for mode in MODES:
        cells = []
        for name, most in (("mean", 1.05), ("p99", 1.05), ("p99", 1.2)):
            ends = [interval(found[point][f"{mode}/{name}"]) for point in POINTS]
            cells.append(f"{sum((end.high or end.mean) <= most for end in ends)} of {len(ends)}")
        lines.append(f"| {mode} | {' | '.join(cells)} | {shown(average(found, POINTS, f'{mode}/best_effort'), 2)} |")
        for load, at_load in zip(LOADS, AT, strict=True):
            own = [average(found, at_load, f"{mode}/{name}") for name in FIGURES]
            by_load.append(f"| {mode} | {load} | {' | '.join(shown(each, 3) for each in own)} |")
    return lines + by_load


def picture(found: Found) -> str:
    """Draw what urgent and best-effort requests get against the load; unprotected, latency grows with the run."""
    panels = []
    for name, title in (("p99", "p99 of urgent requests ÷ alone"), ("best_effort", "best effort ÷ by themselves")):
        curves = [
            (
                mode.replace("`", "").partition(":")[0],
                curve(LOADS, [average(found, each, f"{mode}/{name}") for each in AT]),
            )
            for mode in MODES
            if mode != "unprotected"
        ]
        panels.append(Panel(title, "load", curves))
    return panels_svg(panels, "Urgent requests beside best-effort ones")


def main() -> None:
    """Simulate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=2.0, help="of arrivals, of every run")
    arguments = parser.parse_args()
    with profile_of("L4") as path:

        def at(point: tuple[Pair, float]) -> dict[str, list[float]]:
            return over_seeds(lambda seed: figures(path, *point, seed, arguments.duration_s), arguments.seeds)

        found = {point: at(point) for point in POINTS}
    lines = [f"{arguments.seeds} seeds of {arguments.duration_s:g} s, {len(PAIRS)} pairs.", "", *tables(found)]
    numbers: dict[str, Any] = {"seeds": arguments.seeds, "duration_s": arguments.duration_s}
    for (pair, load), values in found.items():
        numbers[f"{pair.urgent} beside {pair.best_effort}, load {load}"] = {
            name: interval(each)._asdict() for name, each in values.items()
        }
    publish(arguments, "priority_tail", lines, numbers, picture(found))


if __name__ == "__main__":
    main()
