"""The slowest requests of 1 to 8 co-located ResNet-50 tasks, side by side and one after another: the paper's Figure 3.

python docs/studies/concurrency_tail.py --page docs/studies/concurrency_tail.md
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from head_of_line import blocked_s
from study import OTHER_TRUTHS, TRUTH, parser_of, publish, rate_rps, shown

from isim.building.inputs import read_profile
from isim.experiment import Experiment
from isim.profiler.profile import Profile
from isim.statistics import interval, paired_difference
from isim.traces.plots.curves import Curve
from isim.traces.plots.panels import Panel, panels_svg

TASKS = (1, 2, 3, 4, 5, 6, 7, 8)
MODES = ("concurrent", "sequential")
READINGS = ("stress", "closed", "open")
"""Clients that send at once what was answered; that think as long as a request takes, in the mean; Poisson arrivals."""
LOAD_PER_TASK = 0.9 / 8
"""Of the GPU's time, alone in batches of four; of the open reading."""
FIGURES = ("latency_p99_ms", "waiting_mean_ms", "blocked_mean_ms")
Case = tuple[str, str, int, str]
"""Truth, reading, tasks and mode."""
Found = dict[Case, list[dict[str, float]]]
"""The figures at each seed."""


def tasks_profile(path: Path) -> Profile:
    """Write a profile in which each of the tasks is a ResNet-50 of its own, with its own queue."""
    table, footer = (single := read_profile("analytic:L4", ("resnet50",))).table, single.footer
    place = table.column_names.index("model")
    names = [pa.array([f"task{task}"] * table.num_rows) for task in TASKS]
    copies = [table.set_column(place, "model", name) for name in names]
    profile = Profile.from_table(pa.concat_tables(copies), footer)
    profile.write(path)
    return profile


def figures(path: Path, profile: Profile, case: Case, seed: int, requests: int) -> dict[str, float]:
    """Serve so many tasks; return the figures after the first tenth of requests. Both modes meet the same luck."""
    truth, reading, tasks, mode = case
    alone_s = profile.solo_ns("task1", 1) / 1e9
    names = [f"task{task}" for task in TASKS[:tasks]]
    keys: dict[str, Any] = {"sharing": "exclusive"} if mode == "sequential" else {"concurrency": tasks}
    if reading == "open":
        rate = tasks * rate_rps(profile, ["task1"], LOAD_PER_TASK)
        keys["arrivals"] = {"rate": f"{rate!r}rps", "duration": f"{requests / rate!r}s",
                            "models": dict.fromkeys(names, 1.0)}  # fmt: skip
    else:
        think_s = alone_s if reading == "closed" else 0.0
        keys["clients"] = {"models": dict.fromkeys(names, 1), "think": f"{think_s!r}s", "think_law": "exponential",
                           "requests_per_client": requests // tasks}  # fmt: skip
    run = Experiment(profile=str(path), contention=truth, policy="greedy:max_batch=8", seed=seed, **keys).run()
    of_requests, of_batches = run.table("requests"), run.table("batches")
    arrived_s, dispatched_s = (of_requests[name].to_numpy() for name in ("arrived_s", "dispatched_s"))
    starts_s, finishes_s = (of_batches[name].to_numpy() for name in ("dispatched_s", "finished_s"))
    blocked = blocked_s(arrived_s, dispatched_s, starts_s, finishes_s, alone_s)
    latency_s = of_requests["latency_s"].to_numpy()
    warm = arrived_s >= np.quantile(arrived_s, 0.1)
    found = (np.percentile(latency_s[warm], 99), (dispatched_s - arrived_s)[warm].mean(), blocked[warm].mean())
    return {name: 1e3 * float(value) for name, value in zip(FIGURES, found, strict=True)}


def row(found: Found, truth: str, reading: str, tasks: int) -> tuple[str, dict[str, Any]]:
    """Return a row of the table, and its numbers."""
    figures_of = {mode: found[truth, reading, tasks, mode] for mode in MODES}
    own = {(mode, name): [each[name] for each in figures_of[mode]] for name in FIGURES for mode in MODES}
    ahead = paired_difference(own["concurrent", FIGURES[0]], own["sequential", FIGURES[0]])
    cells = [shown(interval(values), 2) for values in list(own.values())[:2]] + [shown(ahead, 2)]
    cells += [f"{interval(values).mean:.3f}" for values in list(own.values())[2:]]
    numbers = {f"{mode}_{name}": interval(values)._asdict() for (mode, name), values in own.items()}
    numbers["latency_p99_concurrent_minus_sequential_ms"] = ahead._asdict()
    return f"| `{truth}` | {reading} | {tasks} | {' | '.join(cells)} |", numbers


def panel(numbers: Mapping[int, Any], reading: str, name: str) -> Panel:
    """Return one figure against the number of tasks."""
    x = np.array(TASKS, dtype=float)
    curves = [(mode, Curve(x, np.array([numbers[n][f"{mode}_{name}"]["mean"] for n in TASKS]))) for mode in MODES]
    return Panel(f"{name.replace('_', ' ').removesuffix(' ms')}, ms: {reading}", "tasks", curves)


def simulate(cases: Sequence[Case], seeds: int, requests: int) -> Found:
    """Return the figures of each case at each seed; the stress test has no chance in it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.parquet"
        profile = tasks_profile(path)
        return {
            case: [figures(path, profile, case, seed, requests) for seed in range(1 if case[1] == "stress" else seeds)]
            for case in cases
        }


def main() -> None:
    """Simulate, and write the numbers, the figure and the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="of every run")
    arguments = parser.parse_args()
    shapes = [(TRUTH, reading, tasks) for reading in READINGS for tasks in TASKS]
    shapes += [(truth, reading, 8) for truth in OTHER_TRUTHS for reading in READINGS]
    found = simulate([(*shape, mode) for shape in shapes for mode in MODES], arguments.seeds, arguments.requests)
    lines = [f"{arguments.seeds} seeds of {arguments.requests} requests, milliseconds, c concurrent, s sequential.", "",
             "| truth | reading | tasks | p99, c | p99, s | c - s | waiting, c | s | blocked, c | s |",
             "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    numbers: dict[str, Any] = {"seeds": arguments.seeds, "requests": arguments.requests}
    for truth, reading, tasks in shapes:
        line, each = row(found, truth, reading, tasks)
        lines.append(line)
        numbers.setdefault(truth, {}).setdefault(reading, {})[tasks] = each
    panels = [panel(numbers[TRUTH][reading], reading, FIGURES[0]) for reading in READINGS]
    panels.append(panel(numbers[TRUTH]["open"], "open", FIGURES[2]))
    publish(arguments, "concurrency_tail", lines, numbers, panels_svg(panels, "Figure 3: ResNet-50 tasks on one GPU"))


if __name__ == "__main__":
    main()
