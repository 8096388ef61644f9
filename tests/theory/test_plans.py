"""What a plan promises, for arrivals as even as it takes them to be, on networks of the analytic L4.

In one duty cycle of a node no more of a model come than its batch holds, and the batches of all take no longer than the
cycle: a request waits for a cycle at most, and both are within its objective. On a part of a GPU, no more come while a
batch runs than the next one holds, and two batches are within the objective; so without contention nothing is late.
That holds for each model that has one GPU; where it has several, what each gets of the arrivals is not even.
"""

from pathlib import Path

import numpy as np
import pytest

from isim.experiment import Experiment
from isim.plan import plan
from isim.planning.experiment_writing import write_experiment
from isim.planning.file_keys import planned_keys

MODELS = ("convnext_b", "resnet50", "roberta_b", "vgg19", "vit_b_16", "yolov8n")


@pytest.mark.parametrize("planner", ["nexus", "gpulets"])
@pytest.mark.parametrize("seed", range(4))
def test_even_arrivals_at_the_planned_rates_are_never_late(tmp_path: Path, planner: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates_rps = dict(zip(MODELS, rng.uniform(20, 250, len(MODELS)).tolist(), strict=True))
    experiment = Experiment(
        arrivals={
            "process": "constant",
            "rate": f"{sum(rates_rps.values())}rps",
            "duration": "4s",
            "models": rates_rps,
        },
        slo={model: f"{rng.uniform(12, 40)}ms" for model in MODELS},
        contention="none",
        seed=seed,
    )
    found = plan(planner, experiment)
    assert len(found.parts) == len(MODELS)  # each on one GPU
    assert found.gpus < len(MODELS)  # not each by itself
    write_experiment(tmp_path / "e.toml", planned_keys(found, experiment), found.lines())
    total = Experiment.from_toml(tmp_path / "e.toml").run().summary["total"]
    assert total["on_time"] == total["requests"] > 1000
