"""A long run in which a new model is deployed half-way."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from study import KNOWN, rate_rps

from isim.evaluation.cases import Cases
from isim.evaluation.run_cases import run_cases
from isim.experiment import Experiment
from isim.profiler.profile import Profile
from isim.traces.trace import Trace

LOAD, NEW_SHARE = 0.9, 0.25
DEPLOYED = 0.5
"""Of the run's duration."""


def requests(profile: Profile, new: str | None, seed: int, duration_s: float) -> Trace:
    """Return Poisson arrivals; a new model takes a quarter of the load over from the known ones, if there is one."""
    draw = np.random.default_rng(seed)
    middle_s = DEPLOYED * duration_s
    known_rps = rate_rps(profile, KNOWN, LOAD) / len(KNOWN)
    late = 1.0 if new is None else 1.0 - NEW_SHARE
    parts = [(model, 0.0, known_rps) for model in KNOWN] + [(model, middle_s, late * known_rps) for model in KNOWN]
    parts += [] if new is None else [(new, middle_s, rate_rps(profile, [new], LOAD * NEW_SHARE))]
    arrivals = [
        (round(1e9 * (start_s + time_s)), model)
        for model, start_s, rps in parts
        for time_s in draw.uniform(0.0, middle_s, draw.poisson(rps * middle_s))
    ]
    times_ns, models = zip(*sorted(arrivals), strict=True)
    return Trace.from_columns(arrival_ns=times_ns, model=list(models))


def long_run(path: Path, new: str | None, seed: int, duration_s: float, truth: str) -> Cases:
    """Return the batches of one long run."""
    with TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.parquet"
        requests(Profile.read(path), new, seed, duration_s).write(trace)
        keys: dict[str, Any] = {"profile": str(path), "trace": str(trace), "policy": "greedy:max_batch=8"}
        return run_cases(Experiment(concurrency=2, contention=truth, seed=seed, **keys).run())[0]
