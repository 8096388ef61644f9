"""A batch whose company changes while it runs: the paper's Figure 4, and the same for every three of the six networks.

python docs/studies/changing_company.py --page docs/studies/changing_company.md
"""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from study import NAMES, TRUTH, batches, parser_of, profile_of, publish, shown
from three_batches import Example, example, timeline_svg

from isim.building.seeded import make_seeded
from isim.engine.ask import ask, train
from isim.evaluation.cases import Case
from isim.policies.predictors.predictor import Predictor
from isim.profiler.profile import Profile
from isim.statistics import interval

READINGS = ("static", "ewma,alpha=0.5", "overlap")
DRAWN = ("convnext_b", "resnet50", "roberta_b")  # the first three by the alphabet
SIZES = (1, 8)  # the commonest in the run that predictors are trained on, and the paper's largest
FIGURES = ("mape_dispatch", "mape_hindsight", "mape_hindsight_minus_overlap", "bias_hindsight", "correlation_hindsight")


def beliefs(predictors: dict[str, Predictor], case: Case) -> dict[str, tuple[float, float]]:
    """Return what each reading says of a batch, at dispatch and with hindsight."""
    target, _, stays, _ = case.observation
    return {
        name: (ask(each, name, target, case.co_runners).slowdown, ask(each, name, target, (), stays).slowdown)
        for name, each in predictors.items()
    }


def errors(predictors: dict[str, Predictor], examples: Sequence[Example]) -> dict[str, dict[str, float]]:
    """Return how far each reading is from the truth over all examples."""
    truths = np.array([each.case.observation.slowdown for each in examples])
    said = [beliefs(predictors, each.case) for each in examples]
    table = {}
    for name in READINGS:
        early, late = np.array([each[name] for each in said]).T
        table[name] = {
            "mape_dispatch": float(np.mean(np.abs(early / truths - 1.0))),
            "mape_hindsight": float(np.mean(np.abs(late / truths - 1.0))),
            "bias_hindsight": float(np.mean(late / truths - 1.0)),
            "correlation_hindsight": float(np.corrcoef(late, truths)[0, 1]),
        }
    for own in table.values():
        own["mape_hindsight_minus_overlap"] = own["mape_hindsight"] - table["overlap"]["mape_hindsight"]
    return table


def trained(path: Path, seed: int, duration_s: float, truth: str) -> dict[str, Predictor]:
    """Return a linear predictor of each reading, trained on the mix of all six."""
    observations = [
        case.observation for case in batches(path, "mix of all six", seed, duration_s, contention=truth).cases
    ]
    predictors = {name: make_seeded(f"linear:features={name}", 0) for name in READINGS}
    for name, each in predictors.items():
        train(each, name, observations)
    return predictors


def main() -> None:
    """Simulate the examples, and write the numbers, the figure and the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=5.0, help="of the run that predictors are trained on")
    parser.add_argument("--models", type=int, default=len(NAMES), help="how many networks, by the alphabet")
    parser.add_argument("--contention", default=TRUTH, help="the simulated truth")
    arguments = parser.parse_args()
    truth = arguments.contention
    mixes = list(product(NAMES[: arguments.models], repeat=3))
    with profile_of("L4") as path:
        profile = Profile.read(path)
        found = {(size, models): example(path, profile, models, size, truth) for size in SIZES for models in mixes}
        seeds = [trained(path, seed, arguments.duration_s, truth) for seed in range(arguments.seeds)]
    lines = [f"Truth: `{truth}`; {arguments.seeds} seeds of training, of {arguments.duration_s:g} s.", "",
             "| batches of | threes | reading | mean relative error at dispatch | with hindsight | minus overlap's "
             "| mean signed error | correlation with the truth |", "|--:|--:|---|--:|--:|--:|--:|--:|"]  # fmt: skip
    numbers: dict[str, Any] = {"contention": truth, "seeds": arguments.seeds}
    for size in SIZES:
        examples = [each for (of, _), each in found.items() if of == size and each is not None]
        tables = [errors(predictors, examples) for predictors in seeds]
        own: dict[str, Any] = {"examples": len(examples)}
        numbers[f"batches of {size}"] = own
        for name in READINGS:
            figures = {key: interval([table[name][key] for table in tables]) for key in FIGURES}
            own[name] = {key: figure._asdict() for key, figure in figures.items()}
            cells = " | ".join(shown(figure, 3) for figure in figures.values())
            lines.append(f"| {size} | {len(examples)} | {name.replace(',alpha=', ' ')} | {cells} |")
    drawn = found[SIZES[-1], DRAWN]
    assert drawn is not None
    said = beliefs(seeds[0], drawn.case)
    numbers["drawn"] = {"models": DRAWN, "slowdown": drawn.case.observation.slowdown, "said": said}
    publish(arguments, "changing_company", lines, numbers, timeline_svg(drawn, said))


if __name__ == "__main__":
    main()
