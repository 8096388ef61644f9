"""Predictors trained on one GPU and asked about another, and trained on pairs and asked about threes and fours.

python docs/studies/transfer.py --page docs/studies/transfer.md
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from study import SETS, TRUTH, batches, measured, mse, parser_of, profile_of, publish, said_by, serve, shown

from isim.evaluation.cases import Cases
from isim.evaluation.run_cases import run_cases
from isim.statistics import interval
from isim.traces.plots.curves import Curve
from isim.traces.plots.panels import Panel, panels_svg

GPUS = ("V100", "A100", "L4")
CROWDS = {f"{most} at once": (most, 0.9) for most in (2, 3, 4)} | {"4 at once, load 1.8": (4, 1.8)}
"""Most batches at once, and the load; 1 is all of the GPU's time, alone in batches of four."""
SET = "mix of all six"
LEARNERS = {"offline": ("linear", False), "SGD": ("sgd", True), "RLS": ("rls:forgetting=0.98", True),
            "RLS from nothing": ("rls:forgetting=0.98", True), "mechanisms, frozen": ("mechanisms", False),
            "mechanisms": ("mechanisms", True)}  # fmt: skip
MOMENT = "hindsight"
Scores = dict[str, dict[str, float]]
Pair = tuple[str, str]
"""What is trained on, and what is asked about."""


def scores(trained_on: Cases, tested_on: Cases) -> Scores:
    """Return the squared error of each learner, as it is and over the variance of what it is asked about."""
    variance = float(np.var(measured(tested_on)))
    found = {}
    for name, (spec, online) in LEARNERS.items():
        said = said_by(spec, None if "nothing" in name else trained_on, tested_on, online)
        error = mse(said, tested_on, MOMENT)
        largest = float(said.slowdown[MOMENT].max())
        found[name] = {"mse": error, "mse_over_variance": error / variance, "largest_slowdown_said": largest}
    return found


def one_seed(paths: Mapping[str, Path], seed: int, duration_s: float, truth: str) -> dict[Pair, Scores]:
    """Return the scores of each pair of what is trained on and what is asked about; those are never the same run."""
    trained = {gpu: batches(paths[gpu], SET, 500 + seed, duration_s, contention=truth) for gpu in GPUS}
    tested = {gpu: batches(paths[gpu], SET, seed, duration_s, contention=truth) for gpu in GPUS}
    found = {(a, b): scores(trained[a], tested[b]) for a in GPUS for b in GPUS}
    for name, (most, load) in CROWDS.items():
        run = serve(paths["L4"], SETS[SET][0], load, 900 + seed, duration_s, contention=truth, concurrency=most)
        crowd = run_cases(run)[0]
        full = float(np.mean([case.concurrency == most for case in crowd.cases]))
        found["2 at once", name] = scores(trained["L4"], crowd) | {"full": {"share": full}}
    return found


def table(seeds: Sequence[Mapping[Pair, Scores]], pairs: Sequence[Pair]) -> tuple[list[str], dict[str, Any]]:
    """Return the rows of some pairs, and their numbers."""
    rows = [f"| trained on | asked about | {' | '.join(LEARNERS)} |", "|---|---|" + "--:|" * len(LEARNERS)]
    numbers: dict[str, Any] = {}
    for pair in pairs:
        own = {name: [seed[pair][name] for seed in seeds] for name in LEARNERS}
        cells = [shown(interval([each["mse_over_variance"] for each in own[name]]), 3) for name in LEARNERS]
        rows.append(f"| {pair[0]} | {pair[1]} | {' | '.join(cells)} |")
        numbers[f"{pair[0]} to {pair[1]}"] = {
            name: {key: interval([each[key] for each in found])._asdict() for key in found[0]}
            for name, found in own.items()
        }
    return rows, numbers


def panel(numbers: Mapping[str, Any], title: str, x_name: str, x: Sequence[float], pairs: Sequence[Pair]) -> Panel:
    """Return the error of each learner over some pairs."""
    rows = [numbers[f"{a} to {b}"] for a, b in pairs]
    curves = [
        (name, Curve(np.array(x, dtype=float), np.array([row[name]["mse_over_variance"]["mean"] for row in rows])))
        for name in LEARNERS
    ]
    return Panel(title, x_name, curves)


def main() -> None:
    """Simulate, evaluate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=0.8, help="of every run")
    parser.add_argument("--contention", default=TRUTH, help="the simulated truth")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        paths = {gpu: stack.enter_context(profile_of(gpu)) for gpu in GPUS}
        seeds = [one_seed(paths, seed, arguments.duration_s, arguments.contention) for seed in range(arguments.seeds)]
    numbers: dict[str, Any] = {"contention": arguments.contention, "seeds": arguments.seeds, "moment": MOMENT}
    lines = [f"Truth: `{arguments.contention}`, {arguments.seeds} seeds of {arguments.duration_s:g} s. MSE / variance:"]
    crowds = [("2 at once", name) for name in CROWDS]
    for name, pairs in (("gpus", [(a, b) for a in GPUS for b in GPUS]), ("concurrency", crowds)):
        rows, numbers[name] = table(seeds, pairs)
        lines += ["", *rows]
    numbers["full_share"] = {b: interval([seed[a, b]["full"]["share"] for seed in seeds])._asdict() for a, b in crowds}
    title = "MSE / variance, trained"
    away = [("L4", gpu) for gpu in GPUS]
    panels = [
        panel(numbers["concurrency"], f"{title} at 2 at once", "batches at once, load 0.9", (2, 3, 4), crowds[:3]),
        panel(numbers["gpus"], f"{title} on L4", f"asked about: {', '.join(GPUS)}", range(len(GPUS)), away),
    ]
    publish(arguments, "transfer", lines, numbers, panels_svg(panels, "Asked about what was not trained on"))


if __name__ == "__main__":
    main()
