"""A new model is deployed in a long run: does an alarm on a predictor's errors notice, and how soon is the error back?

python docs/studies/drift.py --page docs/studies/drift.md
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from alarm import alarm_at
from deployment import long_run
from scipy.stats import binomtest
from study import TRUTH, UNSEEN, batches, measured, parser_of, profile_of, publish, said_by, shown

from isim.evaluation.prediction_metrics import recovery
from isim.statistics import interval
from isim.traces.plots.curves import Curve
from isim.traces.plots.panels import Panel, panels_svg

LEARNERS = {"offline": ("linear", False), "SGD": ("sgd", True), "RLS 0.98": ("rls:forgetting=0.98", True),
            "RLS 1": ("rls:forgetting=1", True), "mechanisms": ("mechanisms", True)}  # fmt: skip
ALARMS = ((0.005, 50.0), (0.5, 10.0), (0.5, 20.0), (0.5, 50.0))
"""Delta and threshold, in standard deviations of the error; the first are river's own."""


def one_seed(path: Path, seed: int, duration_s: float, truth: str) -> dict[str, Any]:
    """Return the alarms of each predictor without and with a new model, its errors, and when it has recovered."""
    training = batches(path, "training", seed, duration_s / 2, contention=truth)
    new = UNSEEN[seed % len(UNSEEN)]
    found: dict[str, Any] = {}
    for kind, model in (("steady", None), ("new", new)):
        cases = long_run(path, model, 100 + seed, duration_s, truth)
        y = measured(cases)
        first = next((i for i, case in enumerate(cases.cases) if model in case.models), len(y))
        for name, (spec, online) in LEARNERS.items():
            error = np.abs(said_by(spec, training, cases, online).slowdown["dispatch"] / y - 1.0)
            own: dict[str, Any] = {"model": model, "first": first, "batches": len(y)}
            found.setdefault(name, {})[kind] = own
            own["alarms"] = [alarm_at(error, *each) for each in ALARMS]
            own["error_before"], own["errors"] = float(error[:first].mean()), error[first:]
            own["recovery"] = recovery(cases.cases, error)
    return found


def row(name: str, seeds: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Return what comes of a new model, as a row and numbers."""
    own = [seed[name]["new"] for seed in seeds]
    before, after = (interval(values) for values in (
        [each["error_before"] for each in own], [float(each["errors"][:300].mean()) for each in own]))  # fmt: skip
    back = [each["recovery"]["recovery_batches_p50"] for each in own if each["recovery"]["recovered_models"]]
    took = interval(back) if back else None
    cells = [shown(before, 3), shown(after, 3), f"{len(back)} of {len(own)}", shown(took, 0) if took else "-"]
    numbers = {"mape_before": before._asdict(), "mape_first_300": after._asdict(), "recovered_seeds": len(back),
               "recovery_batches": took._asdict() if took else None}  # fmt: skip
    return f"| {name} | {' | '.join(cells)} |", numbers


def alarm_row(name: str, place: int, seeds: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Return how often an alarm is false, how often it notices a new model, and how late."""
    false = [seed[name]["steady"]["alarms"][place] is not None for seed in seeds]
    at = [(seed[name]["new"]["alarms"][place], seed[name]["new"]["first"]) for seed in seeds]
    early = sum(alarm is not None and alarm < first for alarm, first in at)
    delays = [alarm - first for alarm, first in at if alarm is not None and alarm >= first]
    ends = binomtest(sum(false), len(false)).proportion_ci()
    late = interval(delays) if delays else None
    delta, threshold = ALARMS[place]
    cells = [f"{sum(false)} of {len(false)} [{ends.low:.2f}, {ends.high:.2f}]", f"{early}",
             f"{len(delays)} of {len(at) - early}", shown(late, 0) if late else "-"]  # fmt: skip
    numbers = {"false_alarm_seeds": sum(false), "false_alarm_share_low": ends.low, "false_alarm_share_high": ends.high,
               "too_early_seeds": early, "noticed_seeds": len(delays),
               "delay_batches": late._asdict() if late else None}  # fmt: skip
    return f"| {name} | {delta:g} | {threshold:g} | {' | '.join(cells)} |", numbers


def main() -> None:
    """Simulate, watch, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=5.0, help="of every run")
    parser.add_argument("--contention", default=TRUTH, help="the simulated truth")
    arguments = parser.parse_args()
    with profile_of("L4") as path:
        seeds = [one_seed(path, seed, arguments.duration_s, arguments.contention) for seed in range(arguments.seeds)]
    counts = [seed["offline"]["new"] for seed in seeds]
    lines = [f"Truth: `{arguments.contention}`, {len(seeds)} seeds of {arguments.duration_s:g} s; "
             f"{min(each['batches'] for each in counts)} to {max(each['batches'] for each in counts)} batches.", "",
             "| predictor | relative error before | of the first 300 after | recovered | batches until |",
             "|---|--:|--:|--:|--:|"]  # fmt: skip
    numbers: dict[str, Any] = {"contention": arguments.contention, "seeds": len(seeds), "recovery": {}, "alarms": {}}
    numbers["recovered"] = {
        name: [(seed[name]["new"]["model"], seed[name]["new"]["recovery"]["recovery_batches_p50"]) for seed in seeds]
        for name in LEARNERS
    }
    for name in LEARNERS:
        line, numbers["recovery"][name] = row(name, seeds)
        lines.append(line)
    lines += ["", "| predictor | delta | threshold | false alarms, steady | too early | noticed | batches until |",
              "|---|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for name in LEARNERS:
        for place, (delta, threshold) in enumerate(ALARMS):
            line, numbers["alarms"][f"{name}, delta {delta:g}, threshold {threshold:g}"] = alarm_row(name, place, seeds)
            lines.append(line)
    publish(arguments, "drift", lines, numbers, panels_svg(panels(seeds), "A new model is deployed"))


def panels(seeds: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """Return mean errors after the deployment, over 50 batches each: by predictor, and of one of them by model."""
    windows = min(len(seed["offline"]["new"]["errors"]) for seed in seeds) // 50

    def curve(runs: Sequence[Mapping[str, Any]]) -> Curve:
        errors = np.array([run["errors"][: 50 * windows] for run in runs], dtype=np.float64)
        y = np.asarray(errors.reshape(len(runs), windows, 50).mean(axis=(0, 2)), dtype=np.float64)
        return Curve(np.linspace(50.0, 50.0 * windows, windows), y)

    learners = [(name, curve([seed[name]["new"] for seed in seeds])) for name in LEARNERS]
    runs = [seed["RLS 0.98"]["new"] for seed in seeds]
    models = [(model, curve([run for run in runs if run["model"] == model])) for model in UNSEEN[: len(seeds)]]
    x_name = "batches since the new model came"
    return [
        Panel("mean relative error at dispatch", x_name, learners),
        Panel("the same of RLS 0.98, by the new model", x_name, models),
    ]


if __name__ == "__main__":
    main()
