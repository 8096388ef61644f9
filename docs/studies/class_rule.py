"""Orion's rule, that kernels of two classes do not interfere, beside what the contention models say of them.

python docs/studies/class_rule.py --page docs/studies/class_rule.md
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kernel_pairs import TOLERANCE, of_kernels
from measured_pairs import kace
from shapes import TRUTHS, curve, over_seeds, percent, share
from study import MEASURED, NAMES, OTHER_TRUTHS, measured, parser_of, profile_of, publish, said_by, serve, shown

from isim.evaluation.cases import Cases
from isim.evaluation.run_cases import run_cases
from isim.operations import Floats, Operations
from isim.profiler.profile import Profile
from isim.statistics import interval
from isim.traces.plots.panels import Panel, panels_svg

ALL_TRUTHS = tuple(dict.fromkeys((*TRUTHS, *OTHER_TRUTHS)))
LOADS = (0.3, 0.6, 0.9)
"""Of what the GPU can do alone in batches of four."""
SIZES = (1, 4, 8)
BATCHES = "| truth | slowdown met | said | said - met | too little, % | too much, % |"
KERNELS = "| truth | batch size | allowed, % of all | slowed, % of these | with room, % of all | slowed, % of these |"
Found = dict[str, Mapping[str, Sequence[float]]]
"""Each figure at each seed, by truth and load; of what was measured, of each batch."""
Kernels = Mapping[str, Mapping[int, Mapping[str, float | None]]]
"""Shares of pairs of kernels, by truth and batch size."""


def errors(cases: Cases) -> dict[str, Floats]:
    """Return what the rule says of each batch once all its overlaps are known, and what it met."""
    said, simulated = said_by("orion", None, cases).slowdown["hindsight"], measured(cases)
    return {
        "met": simulated,
        "said": said,
        "said_minus_met": said - simulated,
        "too_little": (said < simulated * (1 - TOLERANCE)).astype(float),
        "too_much": (said > simulated * (1 + TOLERANCE)).astype(float),
    }


def of_batches(path: Path, truth: str, load: float, seed: int, duration_s: float) -> dict[str, float]:
    """Return the means over the batches of all six models, two at once."""
    cases = run_cases(serve(path, NAMES, load, seed, duration_s, contention=truth))[0]
    return {name: float(values.mean()) for name, values in errors(cases).items()}


def row(name: str, values: Mapping[str, Sequence[float]]) -> tuple[str, dict[str, Any]]:
    """Return a row on batches, and its numbers."""
    own = {figure: share(each) if figure.startswith("too") else interval(each) for figure, each in values.items()}
    cells = [percent(each) if figure.startswith("too") else shown(each, 3) for figure, each in own.items()]
    return f"| {name} | {' | '.join(cells)} |", {figure: each._asdict() for figure, each in own.items()}


def tables(
    found: Found, kernels: Mapping[str, Mapping[int, Mapping[str, float | None]]]
) -> tuple[list[str], dict[str, Any]]:
    """Return what is said of batches and of kernels, and the numbers."""
    lines = [BATCHES, "|---|--:|--:|--:|--:|--:|"]
    numbers: dict[str, Any] = {"batches": {}, "kernels": kernels}
    for name, values in found.items():
        line, numbers["batches"][name] = row(name, values)
        lines.append(line)
    lines += ["", KERNELS, "|---|--:|--:|--:|--:|--:|"]
    for truth, sizes in kernels.items():
        for size, each in sizes.items():
            cells = ["" if value is None else f"{100 * value:.2f}" for value in each.values()]
            lines.append(f"| `{truth}` | {size} | {' | '.join(cells)} |")
    return lines, numbers


def picture(found: Found) -> str:
    """Draw what is said and what is simulated against the load."""
    panels = []
    for truth in ALL_TRUTHS:
        own = {load: found[f"`{truth}`, load {load}"] for load in LOADS}
        curves = [(name, curve(LOADS, [interval(each[name]) for each in own.values()])) for name in ("met", "said")]
        panels.append(Panel(f"mean slowdown: {truth}", "load", curves))
    return panels_svg(panels, "Orion's class rule")


def main() -> None:
    """Simulate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=2.0, help="of arrivals, of every run")
    parser.add_argument("--data", type=Path, default=MEASURED, help="folder of measurements")
    arguments = parser.parse_args()
    with profile_of("L4") as path:

        def batches(truth: str, load: float) -> dict[str, list[float]]:
            return over_seeds(lambda seed: of_batches(path, truth, load, seed, arguments.duration_s), arguments.seeds)

        found: Found = {f"`{truth}`, load {load}": batches(truth, load) for truth in ALL_TRUTHS for load in LOADS}
        operations = Operations(Profile.read(path), NAMES)
        kernels = {truth: {size: of_kernels(operations, NAMES, size, truth) for size in SIZES} for truth in ALL_TRUTHS}
    if arguments.data.is_dir():
        found["measured, V100"] = {
            name: each.tolist() for name, each in errors(kace(arguments.data / "v100-kace")).items()
        }
    lines, numbers = tables(found, kernels)
    lines = [f"{arguments.seeds} seeds of {arguments.duration_s:g} s.", "", *lines]
    numbers = {"seeds": arguments.seeds, "duration_s": arguments.duration_s} | numbers
    publish(arguments, "class_rule", lines, numbers, picture(found))


if __name__ == "__main__":
    main()
