"""Predictors of mechanisms against the paper's recursive least squares: simulated truths and measured pairs.

python docs/studies/better_predictor.py --page docs/studies/better_predictor.md
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from heat_map import heat_maps_svg
from known_at_dispatch import Answer, informed, look_ahead, watched
from left_to_foretell import told_all_but_the_mix, told_of_its_like
from measured_pairs import measured_pairs
from study import (
    MEASURED,
    OTHER_TRUTHS,
    TRUTH,
    batches,
    measured,
    mse,
    parser_of,
    profile_of,
    publish,
    said_by,
    shown,
)

from isim.evaluate import evaluate, trials_of
from isim.evaluation.prequential import MOMENTS
from isim.statistics import interval, paired_difference

BASE = "rls:forgetting=0.98"
OTHERS = ("rls:forgetting=1", "mechanisms:peculiar=false", "mechanisms")
AT_DISPATCH = {
    "linear, static, offline": ("linear:features=static", False),
    "RLS, static": ("rls:forgetting=0.98,features=static", True),
}
"""The paper's models of the state at dispatch alone, asked then: the predictor, and whether it goes on learning."""
REFERENCES = ("look-ahead", "oracle", "informed")
"""What no scheduler has: the true contention model run forward, the truth, and that with thousands of batches more."""
TEST_SETS = ("unseen models", "mix of all six")
Scores = dict[tuple[str, str, str, str], float]
"""By truth, set, moment and predictor: the mean squared error; under the moment `cost_us`, of a prediction."""


def one_seed(path: Path, truth: str, seed: int, duration_s: float, answers: Mapping[str, Answer]) -> Scores:
    """Return the errors under one truth; all are trained on the same batches, and go on learning unless told not to.

    Parameters
    ----------
    answers
        Of each set, what is learned from other batches and the oracle.
    """
    training = batches(path, "training", seed, duration_s, contention=truth)
    scores: Scores = {}
    for name in TEST_SETS:
        tested, prepare, oracle = watched(path, name, seed, duration_s, truth)
        known = (look_ahead(tested, prepare, truth), oracle, answers[name](tested, oracle))
        for title, said in zip(REFERENCES, known, strict=True):
            scores[truth, name, "dispatch", title] = float(np.mean((said - measured(tested)) ** 2))
        for title, (spec, online) in AT_DISPATCH.items():
            static = said_by(spec, training, tested, online)
            scores[truth, name, "dispatch", title] = mse(static, tested, "dispatch")
        for spec in (BASE, *OTHERS):
            said = said_by(spec, training, tested)
            for moment in MOMENTS:
                scores[truth, name, moment, spec] = mse(said, tested, moment)
            scores[truth, name, "cost_us", spec] = float(np.median(said.predict_us["dispatch"]))
    return scores


def simulated(seeds: Sequence[Scores], truths: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the rows of the simulated truths, and their numbers."""
    rows, numbers = [], {}
    for truth in truths:
        for name in TEST_SETS:
            for moment in MOMENTS:
                own = {spec: [seed[truth, name, moment, spec] for seed in seeds] for spec in (BASE, *OTHERS)}
                cells = [shown(interval(own[BASE]), 4)]
                for spec in OTHERS:
                    ratio = interval([a / b for a, b in zip(own[spec], own[BASE], strict=True)])
                    cells.append(shown(ratio, 3))
                    numbers[f"{truth}: {name}, {moment}, {spec}"] = {
                        "mse": interval(own[spec])._asdict(),
                        "mse_over_rls": ratio._asdict(),
                        "mse_minus_rls": paired_difference(own[spec], own[BASE])._asdict(),
                        "predict_us_p50": float(np.median([seed[truth, name, "cost_us", spec] for seed in seeds])),
                    }
                rows.append(f"| `{truth}` | {name} | {moment} | {' | '.join(cells)} |")
    return rows, numbers


def at_dispatch(seeds: Sequence[Scores], truths: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the rows of what can be told at dispatch, and their numbers."""
    titles = (*AT_DISPATCH, "mechanisms", *REFERENCES)
    rows = [f"| truth | set | {' | '.join(f'{each} / RLS' for each in titles)} | of what can go, gone |"]
    rows += ["|---|---|" + "--:|" * (len(titles) + 1)]
    numbers = {}
    for truth in truths:
        for name in TEST_SETS:
            base = [seed[truth, name, "dispatch", BASE] for seed in seeds]
            ratios = {
                title: [seed[truth, name, "dispatch", title] / b for seed, b in zip(seeds, base, strict=True)]
                for title in titles
            }
            pairs = zip(ratios["mechanisms"], ratios["informed"], strict=True)
            ratios["gone"] = [(1.0 - own) / (1.0 - least) for own, least in pairs]
            found = {title: interval(values) for title, values in ratios.items()}
            rows.append(f"| `{truth}` | {name} | {' | '.join(shown(each, 3) for each in found.values())} |")
            numbers[f"{truth}: {name}"] = {title: each._asdict() for title, each in found.items()}
    return rows, numbers


def measured_sets(data: Path) -> tuple[list[str], dict[str, Any]]:
    """Return the rows of the measured sets, folds by model pair, and their numbers."""
    rows, numbers = [], {}
    for name, cases in measured_pairs(data).items():
        kernels = cases.cases[0].observation.target.kernels is not None
        uses = "" if kernels else ",resources=l2/dram"  # what the sets of averages hold
        specs = [spec + uses * spec.startswith("rls") for spec in (BASE, *OTHERS)]
        found = evaluate([*specs, "mean"], trials_of(cases, "pair", None, 0), 0)
        for learning in ("frozen", "online"):
            own = [e for e in found if (e["learning"], e["moment"]) == (learning, "hindsight")]
            cells = [f"{own[0]['mse']:.5f}", *(_ratio(each) for each in own[1:-1])]
            cells += [f"{100 * own[place]['mape']:.2f} %" for place in (-1, 0, -2)]
            rows.append(f"| {name} | {len(cases.cases)} | {learning} | {' | '.join(cells)} |")
            for each in own:
                keys = ("mse", "mape", "mape_interval", "mse_over_first", "minus_first", "predict_us_p50")
                numbers[f"{name}, {learning}, {each['predictor']}"] = {key: each.get(key) for key in keys}
    return rows, numbers


def foretellable(data: Path) -> tuple[list[str], dict[str, Any]]:
    """Return rows of what those would miss in the measured sets who are told almost everything, and their numbers."""
    rows, numbers = [], {}
    for name, cases in measured_pairs(data).items():
        mix, like = told_all_but_the_mix(cases), told_of_its_like(cases)
        rows.append(f"| {name} | {100 * mix:.2f} % | {'-' if like is None else f'{100 * like:.2f} %'} |")
        numbers[name] = {"mape_told_all_but_the_mix": mix, "mape_told_of_its_like": like}
    return rows, numbers


def _ratio(result: Mapping[str, Any]) -> str:
    ratio = result["mse_over_first"]
    return f"{ratio['ratio']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"


def maps(numbers: Mapping[str, Any], truths: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the ratios of mechanisms to RLS by truth and set, a map for each moment."""
    return [
        (
            f"asked {'at dispatch' if moment == 'dispatch' else 'with hindsight'}",
            {
                truth.partition(":")[0]: {
                    f"set {name.split()[0]}": numbers[f"{truth}: {name}, {moment}, mechanisms"]["mse_over_rls"]
                    for name in TEST_SETS
                }
                for truth in truths
            },
        )
        for moment in MOMENTS
    ]


def main() -> None:
    """Simulate, evaluate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, default=MEASURED, help="folder of measurements")
    parser.add_argument("--duration-s", type=float, default=0.8, help="of every run")
    parser.add_argument("--reference-s", type=float, default=10.0, help="of the run that the reference learns from")
    arguments = parser.parse_args()
    truths = (TRUTH, *OTHER_TRUTHS)
    seeds: list[Scores] = []
    with profile_of("L4") as path:
        answers = {
            truth: {name: informed(path, name, truth, arguments.reference_s) for name in TEST_SETS} for truth in truths
        }
        for seed in range(arguments.seeds):
            seeds.append({})
            for truth in truths:
                seeds[-1] |= one_seed(path, truth, seed, arguments.duration_s, answers[truth])
    rows, numbers = simulated(seeds, truths)
    dispatch_rows, dispatch = at_dispatch(seeds, truths)
    head = f"| {' | '.join(f'{spec} / RLS 0.98' for spec in OTHERS)} |"
    lines = [f"{arguments.seeds} seeds of {arguments.duration_s:g} s.", "",
             f"| truth | set | asked at | MSE of RLS 0.98 {head}", "|---|---|---|--:|--:|--:|--:|", *rows]  # fmt: skip
    lines += ["", "At dispatch, MSE over that of RLS 0.98:", "", *dispatch_rows]
    measured_rows, found = measured_sets(arguments.data)
    lines += ["", f"| measured | executions | after training | MSE of RLS 0.98 {head} MAPE, mean | RLS | mechanisms |",
              "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|", *measured_rows]  # fmt: skip
    told_rows, told = foretellable(arguments.data)
    lines += ["", "| measured | MAPE, told all but the mean of the mix | told of all others beside the same model |",
              "|---|--:|--:|", *told_rows]  # fmt: skip
    svg = heat_maps_svg(maps(numbers, truths), "MSE of mechanisms over that of recursive least squares")
    found_all = {"simulated": numbers, "at_dispatch": dispatch, "measured": found, "told": told}
    publish(arguments, "better_predictor", lines, found_all, svg)


if __name__ == "__main__":
    main()
