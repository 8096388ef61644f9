"""Write the tables and plots of docs/validation.md, and build/validation.json; `make validation` runs this."""

import argparse
import json
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import serving_logs
import svg
import v100_pairs

from isim.calibrate import fit, predict
from isim.contention.constant import Constant
from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.linear_baseline import linear_errors
from isim.mixes import Mix, folds, measured
from isim.replay import PHASES, Process

_MEASURED, _SIMULATED = attrgetter("measured"), attrgetter("simulated")
MODELS = (NoContention, Constant, Fair, Roofline, Leftover)
Section = tuple[dict[str, Any], list[str], dict[str, str]]
"""What goes into the JSON, the lines of the page, and plots by name."""


def main() -> None:
    """Compute every section, then write all files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the measurements")
    parser.add_argument("--page", type=Path, required=True, help="the page whose marked parts are replaced")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    sections = {"v100-pairs": v100(arguments.data), "serving-logs": serving(arguments.data)}
    page = arguments.page.read_text(encoding="utf-8")
    plots = arguments.page.parent / "validation"
    plots.mkdir(exist_ok=True)
    for name, (_, lines, drawn) in sections.items():
        page = replaced(page, name, lines)
        for file, text in drawn.items():
            (plots / file).write_text(text, encoding="utf-8")
    arguments.page.write_text(page, encoding="utf-8")
    figures = {name: found for name, (found, _, _) in sections.items()}
    arguments.output.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def replaced(page: str, name: str, lines: list[str]) -> str:
    """Return the page with what stands between the two marks of a part replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"validation: the page lacks the marks {begin} and {end}; put them where the table belongs")
    body = "\n".join(["", "", *lines, "", ""])
    return re.sub(f"(?s){re.escape(begin)}.*{re.escape(end)}", lambda _: begin + body + end, page)


def v100(data: Path) -> Section:
    """Fit every contention model to the V100 pairs at the whole GPU, with errors on what it was fitted without."""
    workloads = v100_pairs.read_workloads(data)
    profile = v100_pairs.read_profile(data, workloads)
    mixes = [
        Mix(
            number,
            tuple(Process(each.model, each.batch_size) for each in (workloads[member.workload] for member in pair)),
            tuple(member.measured for member in pair),
        )
        for number, pair in enumerate(v100_pairs.read_pairs(data, workloads))
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        fits = [fit(profile, mixes, model, executor) for model in MODELS]
    repeats = v100_pairs.repeatability(data)
    found: dict[str, Any] = {}
    lines = [
        "| model | fitted | pair left out | 95 % interval | 90th percentile | family left out |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for each in fits:
        errors = {kind: error._asdict() for kind, error in each.errors.items()}
        found[each.name] = {
            "n": len(each.unseen),
            "mape": errors["pair"]["mape"],
            "mape_interval": [errors["pair"]["mape_low"], errors["pair"]["mape_high"]],
            "p90_ape": errors["pair"]["p90_ape"],
            "folds": errors,
            "repeatability": {"median": float(np.median(repeats)), "p90": float(np.percentile(repeats, 90))},
            "parameters": dict(each.parameters),
            "intervals": {name: list(ends) for name, ends in each.intervals.items()},
        }
        fitted = ", ".join(f"{name} {value:g}" for name, value in each.parameters.items()) or "nothing"
        pair, family = each.errors["pair"], each.errors["family"]
        lines.append(
            f"| `{each.name}` | {fitted} | {_percent(pair.mape)} | {_percent(pair.mape_low)} to "
            f"{_percent(pair.mape_high)} | {_percent(pair.p90_ape)} | {_percent(family.mape)} |"
        )
    linear = linear_errors(profile, mixes)
    found["linear regression"] = {
        "n": len(linear["pair"]),
        "mape": float(linear["pair"].mean()),
        "p90_ape": float(np.percentile(linear["pair"], 90)),
        "folds": {kind: {"mape": float(errors.mean())} for kind, errors in linear.items()},
    }
    lines.append(
        f"| linear regression | {len(folds(mixes)['pair'])} folds | {_percent(linear['pair'].mean())} | - | "
        f"{_percent(np.percentile(linear['pair'], 90))} | {_percent(linear['family'].mean())} |"
    )
    truth = measured(mixes)
    leftover = next(each for each in fits if each.name == "leftover")
    parameters = dict(leftover.parameters)
    ablations = {
        "as fitted": parameters,
        "kernels started later slow a little (beta 0.05)": parameters | {"beta": 0.05},
        "kernels started later slow as much as earlier ones": parameters | {"beta": parameters["kappa"]},
        "kernels started earlier do not slow (kappa 0)": parameters | {"kappa": 0.0},
    }
    lines += ["", "| `leftover`, ablated, not fitted again | mean error | 90th percentile |", "|---|--:|--:|"]
    for name, chosen in ablations.items():
        errors = np.abs(np.array(predict(profile, mixes, Leftover(**chosen), PHASES)) / truth - 1)
        found["leftover"].setdefault("ablations", {})[name] = float(errors.mean())
        lines.append(f"| {name} | {_percent(errors.mean())} | {_percent(np.percentile(errors, 90))} |")
    simulated = predict(profile, mixes, Leftover(**parameters), PHASES)
    lines += [
        "",
        f"Repeats of one measurement in the same campaign differ by {_percent(np.median(repeats))} in the median and "
        f"{_percent(np.percentile(repeats, 90))} at the 90th percentile.",
        "",
        "![simulated against measured slowdowns](validation/v100-pairs-scatter.svg)",
        "![errors on pairs left out](validation/v100-pairs-errors.svg)",
    ]
    curves = {each.name: each.unseen.tolist() for each in fits} | {"linear": linear["pair"].tolist()}
    return found, lines, {
        "v100-pairs-scatter.svg": svg.scatter("V100 pairs: slowdown, leftover", truth.tolist(), simulated),
        "v100-pairs-errors.svg": svg.error_curves("V100 pairs: errors on pairs left out", curves),
    }  # fmt: skip


def serving(data: Path) -> Section:
    """Replay the serving logs under their three schedulers."""
    logs = serving_logs.compare(data, tuple(serving_logs.ORDERS))
    found: dict[str, Any] = {}
    lines = ["| scheduler, load | mean | p50 | p99 | drop rate, points |", "|---|--:|--:|--:|--:|"]
    random = np.random.default_rng(0)
    for policy in serving_logs.ORDERS:
        for load in (50, 100):
            chosen = [log.errors() for log in logs if (log.policy, log.load_per_s) == (policy, load)]
            draws = random.integers(0, len(chosen), (1000, len(chosen)))
            cells, figures = [], {}
            for name in (*serving_logs.FIGURES, "dropped"):
                errors = np.array([abs(each[name]) for each in chosen])
                low, high = np.percentile(errors[draws].mean(axis=1), [2.5, 97.5])
                figures[name] = {
                    "n": len(errors),
                    "mape": float(errors.mean()),
                    "p90_ape": float(np.percentile(errors, 90)),
                    "interval": [float(low), float(high)],
                }
                cells.append(f"{100 * errors.mean():.1f} [{100 * low:.1f}, {100 * high:.1f}]")
            found[f"{policy} at {load}"] = {**figures, "folds": "pair left out", "repeatability": None}
            lines.append(f"| {policy}, {load} a second | {' | '.join(cells)} |")
    lines += ["", "![simulated against measured latencies](validation/serving-scatter.svg)"]
    fcfs = [log for log in logs if log.policy == "FCFS"]
    sides = ([1e3 * float(value) for log in fcfs for value in side(log)[:3]] for side in (_MEASURED, _SIMULATED))
    plot = svg.scatter("Serving, FCFS: mean, p50, p99 in ms", *sides)
    return found, lines, {"serving-scatter.svg": plot}


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


if __name__ == "__main__":
    main()
