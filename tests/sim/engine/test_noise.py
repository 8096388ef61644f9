"""Execution noise: a lognormal factor of mean 1 that depends on nothing but the seed and the request."""

import math
from pathlib import Path

import numpy as np
import pytest
from worlds import kernel, profile_of

from isim.engine.noise import Noise
from isim.errors import ProfileError
from isim.experiment import Experiment
from isim.run import Run


def test_the_factor_depends_on_seed_and_request_only() -> None:
    noise, again = Noise(seed=3), Noise(seed=3)
    forwards = [noise(0.2, request) for request in range(100)]
    assert [again(0.2, request) for request in reversed(range(100))] == forwards[::-1]
    assert len(set(forwards)) == 100
    assert not set(forwards) & {Noise(seed=4)(0.2, request) for request in range(100)}


def test_it_is_lognormal_of_mean_one() -> None:
    noise, sigma, count = Noise(seed=1), 0.3, 20_000
    factors = np.array([noise(sigma, request) for request in range(count)])
    normal = (np.log(factors) + sigma**2 / 2) / sigma
    # Four standard errors of each estimate.
    assert abs(factors.mean() - 1) < 4 * math.sqrt((math.exp(sigma**2) - 1) / count)
    assert abs(normal.mean()) < 4 / math.sqrt(count)
    assert abs(normal.std() - 1) < 4 / math.sqrt(2 * count)
    assert abs(np.mean(np.abs(normal) < 1) - 0.6827) < 4 * math.sqrt(0.6827 * 0.3173 / count)
    assert abs(np.corrcoef(normal[:-1], normal[1:])[0, 1]) < 4 / math.sqrt(count)


def test_without_dispersion_the_factor_is_one() -> None:
    assert {Noise(seed=1)(0.0, request) for request in range(100)} == {1.0}


@pytest.mark.parametrize("request_id", [0, -1, 2**63 - 1, -(2**63)])
def test_any_request_id_will_do(request_id: int) -> None:
    assert 0.1 < Noise(seed=0)(0.2, request_id) < 10


def noisy_experiment(folder: Path, **keys: object) -> Experiment:
    kernels = {
        ("a", size): [kernel(10**6 * size, duration_mad_ns=10**5 * size, sm=0.9, memory=0.1)] for size in (1, 2, 4)
    }
    profile_of(kernels).write(folder / "p.parquet", force=True)
    arrivals = {"rate": "500rps", "duration": "2s"}
    return Experiment(profile=str(folder / "p.parquet"), arrivals=arrivals, noise=True, **keys)


def solo_by_head(run: Run) -> dict[int, float]:
    """Return the solo duration of every batch, over that of its size, by the request at its head."""
    batches, requests = run.table("batches").to_pylist(), run.table("requests").to_pylist()
    head: dict[int, int] = {}
    for row in requests:
        head.setdefault(row["batch_id"], row["request_id"])
    return {head[row["batch_id"]]: row["solo_s"] / (1e-3 * row["batch_size"]) for row in batches}


def test_policies_meet_the_same_luck(tmp_path: Path) -> None:
    alone = solo_by_head(noisy_experiment(tmp_path, policy="fcfs").run())
    batched = solo_by_head(noisy_experiment(tmp_path, policy="greedy", concurrency=1).run())
    both = alone.keys() & batched.keys()
    assert len(alone) > len(batched) > 100
    assert [alone[head] for head in both] == pytest.approx([batched[head] for head in both], rel=1e-12)
    noise = Noise(seed=0)
    assert alone == pytest.approx({head: noise(0.14826, head) for head in alone}, rel=1e-12)


def test_noise_without_measured_dispersion_is_refused(tmp_path: Path) -> None:
    profile_of({("a", 1): [kernel(1000)]}).write(tmp_path / "p.parquet")
    keys = {"arrivals": {"rate": "10rps"}, "noise": True}
    with pytest.raises(ProfileError) as caught:
        Experiment(profile=str(tmp_path / "p.parquet"), **keys).run(tmp_path / "out")
    assert str(caught.value) == (
        f"{tmp_path}/p.parquet: column 'duration_mad_ns' is not measured in 1 of 1 batches (first: a at batch size 1), "
        "and noise needs it; run without noise, or measure the profile on the device"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]
