"""The published shapes on a small scale: what theory says of them, and the widest of what comes out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]


def test_clockwork(run: Run) -> None:
    """Where batches take as long as expected, none is late; beside others at overload, some are."""
    found = run("clockwork", "--seeds", "2", "--duration-s", "0.4")
    alone = found["one at a time, no noise"]
    assert all(each["late_of_finished"]["mean"] == 0 for each in alone.values())
    assert alone["1.4"]["refused"]["mean"] > 0  # 0.2 of 0.4 s of work too much, more than the 25 ms that may wait
    assert found["2 at once, `block-scheduler`, no noise"]["1.4"]["late_of_finished"]["mean"] > 0
    for loads in (each for each in found.values() if isinstance(each, dict)):
        for each in loads.values():
            finished = 1 - each["refused"]["mean"]
            assert each["attainment"]["mean"] <= finished + 1e-12


def test_nexus(run: Run) -> None:
    """No more than full batches is possible; early drop keeps them full, lazy drop leaves batches of one or two."""
    found = run("nexus", "--seeds", "1", "--duration-s", "0.4")
    own = found["resnet50, 10 ms, one at a time"]
    loads = [own[name] for name in own if name != "kept"]
    assert all(each[drop]["goodput"]["mean"] <= 1 + 1e-9 for each in loads for drop in ("early", "lazy"))
    assert own["kept"]["early"]["mean"] > 0.9
    assert own["kept"]["lazy"]["mean"] < 0.8
    assert own["2.0"]["lazy"]["mean_batch_size"]["mean"] < 3 < own["2.0"]["early"]["mean_batch_size"]["mean"]
    assert own["2.0"]["early"]["late"]["mean"] == 0  # on a GPU of its own, only what is in time is started


def test_symphony(run: Run) -> None:
    """On GPUs of their own what is deferred is in time; batches grow with the load, and are larger than eager ones."""
    found = run("symphony", "--seeds", "1", "--duration-s", "0.3")
    for gpus in ("4 GPUs", "1 GPU"):
        assert all(each["late_of_finished"]["deferred"]["mean"] == 0 for each in found[gpus].values())
    sizes = {load: each["mean_batch_size"] for load, each in found["4 GPUs"].items()}
    assert sizes["0.8"]["deferred"]["mean"] > sizes["0.4"]["deferred"]["mean"] > sizes["0.2"]["deferred"]["mean"]
    for load in ("0.2", "0.4", "0.6", "0.8"):
        assert found["4 GPUs"][load]["mean_batch_size_deferred_minus"]["eager"]["mean"] > 1
        assert 1 <= sizes[load]["eager"]["mean"] <= sizes[load]["delay"]["mean"]
    past = found["4 GPUs"]["1.6"]
    assert past["mean_batch_size"]["deferred"]["mean"] > 7 > 5 > past["mean_batch_size"]["deferred, lazy drop"]["mean"]
    assert past["attainment_deferred_minus"]["deferred, lazy drop"]["mean"] > 0.05


def test_class_rule(run: Run, tmp_path: Path) -> None:
    """Differences are those of what is said and met; where older kernels keep the SMs, the rule says too little."""
    found = run("class_rule", "--seeds", "1", "--duration-s", "0.2", "--data", str(tmp_path / "none"))
    assert "measured, V100" not in found["batches"]
    for each in found["batches"].values():
        assert each["said"]["mean"] >= 1
        assert each["said_minus_met"]["mean"] == pytest.approx(each["said"]["mean"] - each["met"]["mean"])
    assert found["batches"]["`block-scheduler`, load 0.9"]["said_minus_met"]["mean"] < 0


def test_priority_tail(run: Run) -> None:
    """A reset delays a request by its price at most, which is paid once for all urgent ones in a row."""
    found = run("priority_tail", "--seeds", "1", "--duration-s", "0.3")
    points = {name: each for name, each in found.items() if isinstance(each, dict)}
    assert len(points) == 15
    alone_s = {"convnext_b": 2.0e-3, "roberta_b": 1.17e-3, "vit_b_16": 1.74e-3}  # a little less than takes a single one
    for name, each in points.items():
        for mode, reset_s in (("REEF", 50e-6), ("REEF, reset 200 us", 200e-6)):
            assert each[f"{mode}/mean"]["mean"] <= 1 + reset_s / alone_s[name.partition(" ")[0]]
            assert each[f"{mode}/best_effort"]["mean"] <= 1.01
        if name.endswith(("0.5", "0.7", "0.9")):
            assert each["Orion, `block-scheduler`/p99"]["mean"] < each["unprotected/p99"]["mean"]
