"""How much the forgetting and the regulariser of recursive least squares matter, on the three test sets of Table 1.

python docs/studies/rls_sensitivity.py --page docs/studies/rls_sensitivity.md
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heat_map import heat_maps_svg
from study import SETS, TRUTH, batches, mse, parser_of, profile_of, publish, said_by, shown

from isim.evaluation.prequential import MOMENTS
from isim.statistics import interval

FORGETTING = (0.9, 0.95, 0.98, 0.99, 0.999, 1.0)
REGULARISER = (0.01, 0.1, 1.0, 10.0, 100.0)
TEST_SETS = list(SETS)[1:]
Grid = dict[tuple[str, str, float, float], float]
"""MSE over that of the model trained once, by set, moment, forgetting and regulariser."""


def one_seed(path: Path, seed: int, duration_s: float, truth: str) -> Grid:
    """Return the grid of one seed; every learner goes on from the same training."""
    training = batches(path, "training", seed, duration_s, contention=truth)
    grid: Grid = {}
    for name in TEST_SETS:
        tested = batches(path, name, seed, duration_s, contention=truth)
        offline = said_by("linear", training, tested, online=False)
        for forgetting in FORGETTING:
            for regulariser in REGULARISER:
                said = said_by(f"rls:forgetting={forgetting},regulariser={regulariser}", training, tested)
                for moment in MOMENTS:
                    ratio = mse(said, tested, moment) / mse(offline, tested, moment)
                    grid[name, moment, forgetting, regulariser] = ratio
    return grid


def table(grids: Sequence[Grid], name: str, moment: str) -> tuple[list[str], dict[str, Any]]:
    """Return the rows of one set, asked at one moment, and the numbers."""
    rows = [f"| forgetting | {' | '.join(f'regulariser {each:g}' for each in REGULARISER)} |",
            "|--:|" + "--:|" * len(REGULARISER)]  # fmt: skip
    numbers: dict[str, Any] = {}
    for forgetting in FORGETTING:
        found = [interval([grid[name, moment, forgetting, each] for grid in grids]) for each in REGULARISER]
        rows.append(f"| {forgetting:g} | {' | '.join(shown(each, 3) for each in found)} |")
        keys = (f"regulariser {each:g}" for each in REGULARISER)
        numbers[f"forgetting {forgetting:g}"] = {key: each._asdict() for key, each in zip(keys, found, strict=True)}
    return rows, numbers


def main() -> None:
    """Simulate, evaluate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=2.0, help="of every run")
    parser.add_argument("--contention", default=TRUTH, help="the simulated truth")
    arguments = parser.parse_args()
    with profile_of("L4") as path:
        grids = [one_seed(path, seed, arguments.duration_s, arguments.contention) for seed in range(arguments.seeds)]
    lines = [f"Truth: `{arguments.contention}`, {arguments.seeds} seeds of {arguments.duration_s:g} s."]
    numbers: dict[str, Any] = {"contention": arguments.contention, "seeds": arguments.seeds}
    maps = []
    for name in TEST_SETS:
        for moment in MOMENTS:
            rows, found = table(grids, name, moment)
            numbers.setdefault(name, {})[moment] = found
            lines += ["", f"{name.capitalize()}, asked {'at dispatch' if moment == 'dispatch' else 'with hindsight'}:"]
            lines += ["", *rows]
            maps.append((f"{name}, {moment}", found))
    title = "MSE of recursive least squares over that of the model trained once"
    publish(arguments, "rls_sensitivity", lines, numbers, heat_maps_svg(maps, title))


if __name__ == "__main__":
    main()
