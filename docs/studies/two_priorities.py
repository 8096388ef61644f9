"""What a policy misses of urgent requests, and of the others."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from contenders import Trial, experiment_of
from four_workloads import profile

from isim.building.inputs import load_inputs
from isim.traces.trace import Trace

URGENT_SHARE = 0.2


def missed_by_priority(trial: Trial) -> tuple[float, float]:
    """Return the share missed of the urgent requests, a fifth of all at random, and of the others."""
    with TemporaryDirectory() as folder:
        experiment = experiment_of(trial, Path(folder))
        inputs = load_inputs(experiment, profile())
        assert isinstance(inputs.trace, Trace)
        urgent = np.random.default_rng(trial.seed).random(len(inputs.trace)) < URGENT_SHARE
        trace = inputs.trace.revised({"op": "priorities"}, {}, priority=urgent.astype(np.int16))
        experiment.run(Path(folder) / "run", inputs=inputs._replace(trace=trace))
        served = pd.read_parquet(Path(folder) / "run" / "requests.parquet", columns=["request_id", "outcome"])
    is_missed = served["outcome"].to_numpy() != "on-time"
    is_urgent = urgent[np.searchsorted(inputs.trace.table["request_id"].to_numpy(), served["request_id"])]
    return float(is_missed[is_urgent].mean()), float(is_missed[~is_urgent].mean())
