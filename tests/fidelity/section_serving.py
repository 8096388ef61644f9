"""Serving logs of an A100 under three schedulers."""

from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import serving_logs
import svg
from figures import Section, table

_MEASURED, _SIMULATED = attrgetter("measured"), attrgetter("simulated")


def section(data: Path) -> Section:
    """Replay the logs under their schedulers."""
    logs = serving_logs.compare(data, tuple(serving_logs.ORDERS))
    found: dict[str, Any] = {}
    rows = []
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
            rows.append([f"{policy}, {load} a second", *cells])
    lines = table(["scheduler, load", "mean", "p50", "p99", "drop rate, points"], rows)
    lines += ["", "![simulated against measured latencies](validation/serving-scatter.svg)"]
    fcfs = [log for log in logs if log.policy == "FCFS"]
    sides = ([1e3 * float(value) for log in fcfs for value in side(log)[:3]] for side in (_MEASURED, _SIMULATED))
    plot = svg.scatter("Serving, FCFS: mean, p50, p99 in ms", *sides)
    return Section(found, lines, {"serving-scatter.svg": plot})
