"""Whether predictors' intervals hold what they should: for mixes of models that were met in training, and never.

python docs/studies/interval_coverage.py --page docs/studies/interval_coverage.md
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from heat_map import heat_maps_svg
from measured_pairs import measured_pairs
from study import MEASURED, TRUTH, batches, measured, parser_of, profile_of, publish, said_by, shown

from isim.evaluate import evaluate, trials_of
from isim.evaluation.cases import Cases
from isim.evaluation.prediction_metrics import half_width
from isim.evaluation.prequential import MOMENTS
from isim.policies.predictors.mix import mix_of
from isim.statistics import interval

PREDICTORS = ("mechanisms", "bayesian", "linear", "rls")
SPLITS = {"pair": "never met", "random": "met"}
FOLDS = 5
Coverage = dict[tuple[str, str, str], tuple[float, float]]
"""By set, predictor and moment: the share within 90 % intervals, and their mean width."""


def one_seed(path: Path, seed: int, duration_s: float) -> Coverage:
    """Return what intervals hold, trained on one simulated run and then frozen."""
    training, alike, unseen, mixed = (
        batches(path, name, seed, duration_s, contention=TRUTH)
        for name in ("training", "same models, other load", "unseen models", "mix of all six")
    )
    asked = {"mixes met": [(training, alike)], "models never met": [(training, unseen)]}
    asked["mixes never met"] = _folds(mixed)
    found: Coverage = {}
    for name, trials in asked.items():
        for spec in PREDICTORS:
            said = [(said_by(spec, known, tested, online=False), measured(tested)) for known, tested in trials]
            for moment in MOMENTS:
                half = np.concatenate([half_width(each.sd[moment]) for each, _ in said])
                error = np.concatenate([each.slowdown[moment] - truth for each, truth in said])
                found[name, spec, moment] = float(np.mean(np.abs(error) <= half)), float(np.mean(2.0 * half))
    return found


def _folds(cases: Cases) -> list[tuple[Cases, Cases]]:
    """Return folds that each hold back a fifth of the mixes."""
    mixes = [mix_of(case.observation.target, case.observation.stays).models for case in cases.cases]
    number = {mix: place % FOLDS for place, mix in enumerate(sorted({mix for mix in mixes if len(mix) > 1}))}
    folds = []
    for fold in range(FOLDS):
        held = [case for case, mix in zip(cases.cases, mixes, strict=True) if number.get(mix) == fold]
        kept = [case for case, mix in zip(cases.cases, mixes, strict=True) if number.get(mix) != fold]
        folds.append((cases._replace(cases=kept), cases._replace(cases=held)))
    return folds


def simulated(seeds: Sequence[Coverage]) -> tuple[list[str], dict[str, Any]]:
    """Return the rows of simulated truth, and their numbers."""
    rows, numbers = [], {}
    for name, spec, moment in seeds[0]:
        coverage, width = (interval([seed[name, spec, moment][i] for seed in seeds]) for i in (0, 1))
        rows.append(f"| {name} | {moment} | `{spec}` | {shown(coverage, 2)} | {shown(width, 2)} |")
        numbers[f"{name}, {moment}, {spec}"] = {"coverage": coverage._asdict(), "width": width._asdict()}
    return rows, numbers


def measured_sets(data: Path) -> tuple[list[str], dict[str, Any]]:
    """Return the rows of the measured sets, and their numbers."""
    rows, numbers = [], {}
    for name, cases in measured_pairs(data).items():
        uses = "" if cases.cases[0].observation.target.kernels is not None else ":resources=l2/dram"
        specs = [spec + uses * (spec != "mechanisms") for spec in PREDICTORS]
        for split, met in SPLITS.items():
            for each in evaluate(specs, trials_of(cases, split, None, 0), 0):
                if each["moment"] != "hindsight":
                    continue
                low, high = each["interval_coverage_interval"]
                cells = f"{each['interval_coverage']:.2f} [{low:.2f}, {high:.2f}] | {each['interval_width_mean']:.3f}"
                spec = each["predictor"].removesuffix(uses)
                rows.append(f"| {name} | {met} | {each['batches']} | {each['learning']} | `{spec}` | {cells} |")
                keys = ("interval_coverage", "interval_coverage_interval", "interval_width_mean")
                numbers[f"{name}, {met}, {each['learning']}, {spec}"] = {key: each[key] for key in keys}
    return rows, numbers


def maps(numbers: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the coverage by set and predictor, a map for each moment."""
    names = dict.fromkeys(key.rsplit(", ", 2)[0] for key in numbers)
    found = []
    for moment, title in zip(MOMENTS, ("asked at dispatch", "asked with hindsight"), strict=True):
        grid = {name: {s: numbers[f"{name}, {moment}, {s}"]["coverage"] for s in PREDICTORS} for name in names}
        found.append((title, grid))
    return found


def main() -> None:
    """Simulate, evaluate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, default=MEASURED, help="folder of measurements")
    parser.add_argument("--duration-s", type=float, default=0.8, help="of every run")
    arguments = parser.parse_args()
    with profile_of("L4") as path:
        seeds = [one_seed(path, seed, arguments.duration_s) for seed in range(arguments.seeds)]
    measured_rows, found = measured_sets(arguments.data)
    rows, numbers = simulated(seeds)
    lines = ["| measured | pairs | executions | after training | predictor | coverage | width |",
             "|---|---|--:|---|---|--:|--:|", *measured_rows, "",
             f"Simulated truth `{TRUTH}`, {arguments.seeds} seeds of {arguments.duration_s:g} s, frozen:", "",
             "| mixes | asked at | predictor | coverage | width |", "|---|---|---|--:|--:|", *rows]  # fmt: skip
    svg = heat_maps_svg(maps(numbers), "Share within 90 % intervals, trained and frozen, simulated")
    publish(arguments, "interval_coverage", lines, {"simulated": numbers, "measured": found}, svg)


if __name__ == "__main__":
    main()
