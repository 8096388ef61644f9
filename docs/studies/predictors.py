"""What a predictor should know of co-runners over time, and whether it should keep learning.

Figure 5 and Table 1 of Zhao and Georgantas, "ML Inference Scheduling with Predictable Latency" (2025), on simulated
truth. Where the paper leaves something open, docs/studies/predictors.md says what was taken. From the repository:

    python docs/studies/predictors.py --page docs/studies/predictors.md
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from study import SETS, TRUTH, parser_of, profile_of, publish, serve, shown

from isim.evaluate import Trial, evaluate, trials_of
from isim.evaluation.cases import Cases
from isim.evaluation.run_cases import run_cases
from isim.statistics import interval, paired_difference
from isim.traces.plots.curves import Curve
from isim.traces.plots.panels import Panel, panels_svg

READINGS = ("static", "ewma,alpha=0.3", "ewma,alpha=0.5", "ewma,alpha=0.7", "overlap")
LEARNERS = {"offline": ("linear", "frozen"), "SGD": ("sgd", "online"), "RLS 0.98": ("rls:forgetting=0.98", "online"),
            "RLS 1": ("rls:forgetting=1", "online")}  # fmt: skip
PAPER: dict[str, Any] = {
    "unseen models": {"offline": 0.5480, "RLS": 0.3467, "RLS / offline": 0.633},
    "mix of all six": {"offline": 0.2065, "RLS": 0.1499, "RLS / offline": 0.726},
    "slowdown_p95": 1.5166,
}


def served(name: str, seed: int, contention: str, duration_s: float, path: Path) -> tuple[Cases, float]:
    """Return the batches of one set at one seed, and the 95th percentile of their kernel slowdown."""
    models, load = SETS[name]
    run = serve(path, models, load, seed + 1000 * list(SETS).index(name), duration_s, contention=contention)
    return run_cases(run)[0], run.summary["total"]["kernel_slowdown_p95"]


def one_seed(seed: int, contention: str, duration_s: float, profile: Path) -> dict[str, Any]:
    """Return the figures of every predictor at one seed."""
    found = {name: served(name, seed, contention, duration_s, profile) for name in SETS}
    sets = {name: cases for name, (cases, _) in found.items()}
    specs = [f"linear:features={reading}" for reading in READINGS]
    mix = sets["mix of all six"]
    reading = {
        (each["predictor"], each["moment"]): each
        for each in evaluate(specs, trials_of(mix, "time", None, seed), seed)
        if each["learning"] == "frozen"
    }
    learners: dict[tuple[str, str, str], dict[str, Any]] = {}
    for name in list(SETS)[1:]:
        trial = Trial(sets["training"].cases, sets[name].cases)
        results = evaluate([spec for spec, _ in LEARNERS.values()], [trial], seed)
        for title, key in LEARNERS.items():
            for each in results:
                if (each["predictor"], each["learning"]) == key:
                    learners[name, title, each["moment"]] = each
    return {
        "batches": {name: len(cases.cases) for name, cases in sets.items()},
        "kernel_slowdown_p95": {name: p95 for name, (_, p95) in found.items()},
        "reading": reading,
        "learners": learners,
    }


def figure_5(seeds: Sequence[Mapping[str, Any]], moment: str) -> tuple[list[str], dict[str, Any], Panel]:
    """Return rows of the table, the numbers, and the distribution of errors."""
    numbers: dict[str, dict[str, Any]] = {}
    rows, curves = [], []
    for reading in READINGS:
        key = f"linear:features={reading}", moment
        own = [seed["reading"][key] for seed in seeds]
        better = [seed["reading"]["linear:features=overlap", moment]["mse"] for seed in seeds]
        columns = {
            "mse": [each["mse"] for each in own],
            "mse_over_variance": [each["mse_over_variance"] for each in own],
            "mse_minus_overlap": [each["mse"] - base for each, base in zip(own, better, strict=True)],
            **{
                name: [each[name] for each in own]
                for name in (
                    "mape", "relative_error_above_0.1_share", "relative_error_above_0.2_share",
                    "relative_error_above_0.6_share", "under_prediction_share",
                )
            },
        }  # fmt: skip
        numbers[reading] = {name: interval(values)._asdict() for name, values in columns.items()}
        numbers[reading]["relative_error_largest"] = max(each["relative_error_percentiles"][100] for each in own)
        low = [value for each in own if (value := each["relative_error_above_0.2_under_share"]) is not None]
        numbers[reading]["relative_error_above_0.2_under_share"] = interval(low)._asdict() if low else None
        cells = [shown(interval(columns["mse"])), shown(interval(columns["mse_over_variance"]), 3)]
        cells += [shown(interval(columns["mse_minus_overlap"]))]
        cells += [
            f"{100 * interval(columns[f'relative_error_above_{x}_share']).mean:.2f} %" for x in ("0.1", "0.2", "0.6")
        ]
        cells += [f"{100 * numbers[reading]['relative_error_largest']:.0f} %"]
        cells += [f"{100 * interval(columns['under_prediction_share']).mean:.1f} %"]
        cells += [f"{100 * interval(low).mean:.1f} %" if low else "-"]
        rows.append(f"| {reading.replace(',alpha=', ' ')} | " + " | ".join(cells) + " |")
        errors = np.mean([each["relative_error_percentiles"] for each in own], axis=0)
        curves.append((reading.replace(",alpha=", " "), Curve(errors[:100], np.arange(100) / 100)))
    when = "with hindsight" if moment == "hindsight" else "at dispatch"
    return rows, numbers, Panel(f"share of batches within the error, {when}", "relative error", curves)


def table_1(seeds: Sequence[Mapping[str, Any]], moment: str) -> tuple[list[str], dict[str, Any]]:
    """Return rows of the table, and the numbers."""
    rows = []
    numbers: dict[str, dict[str, Any]] = {}
    for name in list(SETS)[1:]:
        offline = [seed["learners"][name, "offline", moment]["mse"] for seed in seeds]
        numbers[name] = {}
        for title in LEARNERS:
            own = [seed["learners"][name, title, moment] for seed in seeds]
            mse = [each["mse"] for each in own]
            ratio = [a / b for a, b in zip(mse, offline, strict=True)]
            found = {
                "mse": interval(mse),
                "mse_over_variance": interval([each["mse_over_variance"] for each in own]),
                "mse_minus_offline": paired_difference(mse, offline),
                "mse_over_offline": interval(ratio),
            }
            numbers[name][title] = {key: value._asdict() for key, value in found.items()}
            paper = PAPER.get(name, {})
            theirs = paper.get("offline" if title == "offline" else "RLS" if title.startswith("RLS") else "", "")
            their_ratio = paper.get("RLS / offline", "") if title.startswith("RLS") else ""
            cells = [shown(found["mse"], 5), shown(found["mse_over_variance"], 3), shown(found["mse_over_offline"], 3)]
            rows.append(f"| {name} | {title} | {' | '.join(cells)} | {theirs} | {their_ratio} |")
    return rows, numbers


def main() -> None:
    """Simulate, evaluate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--contention", default=TRUTH, help="the simulated truth")
    parser.add_argument("--duration-s", type=float, default=20.0, help="of every run")
    parser.add_argument("--name", default="predictors", help="of the file in the output folder")
    arguments = parser.parse_args()
    with profile_of("L4") as profile:
        seeds = [one_seed(seed, arguments.contention, arguments.duration_s, profile) for seed in range(arguments.seeds)]
    slowdowns = {name: interval([seed["kernel_slowdown_p95"][name] for seed in seeds]) for name in SETS}
    lines, panels = [f"Truth: `{arguments.contention}`, {arguments.seeds} seeds of {arguments.duration_s:g} s.", ""], []
    numbers: dict[str, Any] = {
        "contention": arguments.contention,
        "seeds": arguments.seeds,
        "duration_s": arguments.duration_s,
        "batches": {name: [seed["batches"][name] for seed in seeds] for name in SETS},
        "kernel_slowdown_p95": {name: found._asdict() for name, found in slowdowns.items()},
        "paper": PAPER,
    }
    lines += ["| set | p95 of kernel slowdown | paper |", "|---|--:|--:|"]
    lines += [f"| {name} | {shown(found, 3)} | {PAPER['slowdown_p95']} |" for name, found in slowdowns.items()]
    for moment in ("hindsight", "dispatch"):
        rows, numbers[f"figure_5_{moment}"], panel = figure_5(seeds, moment)
        panels.append(panel)
        lines += ["", f"Figure 5, asked {'with hindsight' if moment == 'hindsight' else 'at dispatch'}:", ""]
        lines += [
            "| reading | MSE | MSE / variance | minus overlap's | > 10 % | > 20 % | > 60 % | largest "
            "| too low | of > 20 %, too low |"
        ]
        lines += ["|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|", *rows]
    for moment in ("hindsight", "dispatch"):
        rows, numbers[f"table_1_{moment}"] = table_1(seeds, moment)
        lines += ["", f"Table 1, asked {'with hindsight' if moment == 'hindsight' else 'at dispatch'}:", ""]
        lines += ["| set | learner | MSE | MSE / variance | of offline | paper's MSE | paper's RLS / offline |"]
        lines += ["|---|---|--:|--:|--:|--:|--:|", *rows]
    publish(arguments, arguments.name, lines, numbers, panels_svg(panels, "Figure 5: errors by reading"))


if __name__ == "__main__":
    main()
