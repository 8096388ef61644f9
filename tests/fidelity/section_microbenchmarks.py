"""Kernels that use one resource each: does a model slow what was slowed, and by how much."""

from pathlib import Path
from typing import Any

import numpy as np
from ablations import ABLATIONS, Whole
from figures import Section, percent, table
from microbenchmarks import SLOWED, WITHIN, Outcome, cases, replayed

from isim.contention.block_scheduler import BlockScheduler
from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.roofline import Roofline

MODELS = (BlockScheduler, Leftover, Roofline, Fair)


def section(data: Path) -> Section:
    """Replay every case with every model at its default parameters, and with `block-scheduler` ablated."""
    benchmarks = cases(data)
    outcomes = {model.name: [replayed(case, model()) for case in benchmarks] for model in MODELS}
    outcomes |= {each.what: [replayed(case, each()) for case in benchmarks] for each in ABLATIONS if each is not Whole}
    found = {name: _figures(each) for name, each in outcomes.items()}
    names = [model.name for model in MODELS]
    rows = [
        [case.source, case.what, _times(outcomes[names[0]][i].measured), *(_cell(outcomes[n][i]) for n in names)]
        for i, case in enumerate(benchmarks)
    ]
    lines = table(["on", "kernels that start together", "measured", *(f"`{name}`" for name in names)], rows, left=2)
    summary = [
        [f"`{name}`" if name in names else f"`block-scheduler`: {name}", f"{each['right_sign']} of {each['n']}",
         f"{each['within']} of {each['n']}", percent(each["mape"]), percent(each["worst"])]
        for name, each in found.items()
    ]  # fmt: skip
    header = ["model", "right sign", f"within {percent(WITHIN, 0)}", "mean error", "worst"]
    return Section(found, [*lines, "", *table(header, summary)], {})


def _figures(outcomes: list[Outcome]) -> dict[str, Any]:
    errors = np.array([outcome.error for outcome in outcomes])
    return {
        "n": len(errors),
        "mape": float(errors.mean()),
        "p90_ape": float(np.percentile(errors, 90)),
        "worst": float(errors.max()),
        "right_sign": sum(outcome.right_sign for outcome in outcomes),
        "slowed_from": SLOWED,
        "within": int((errors <= WITHIN).sum()),
        "folds": "nothing is fitted",
        "repeatability": None,
        "cases": {f"{each.case.source}: {each.case.what}": each.error for each in outcomes},
    }


def _times(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _cell(outcome: Outcome) -> str:
    marks = ("" if outcome.right_sign else " (sign)") + ("" if outcome.error <= WITHIN else " (size)")
    return _times(outcome.simulated) + marks
