"""Every study on a small scale: the numbers are there and fit together, and the page takes tables and figure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]


def test_throughput_by_batch(run: Run, tmp_path: Path) -> None:
    found = run("throughput_by_batch", "--data", str(tmp_path / "none"))
    assert len(found) == 8  # six networks, one of them at three lengths
    sweep = found["analytic L4, FP16: resnet50"]
    assert sweep["throughput_rps"]["8"] == pytest.approx(
        (1 + sweep["increase_to_8_ratio"]) * sweep["throughput_rps"]["1"]
    )


def test_throughput_by_batch_as_measured(run: Run, shared_data: Path) -> None:
    """By hand: Gpulet measured 4.7624 ms of a single ResNet-50 and 5.0452 ms of a batch of 8."""
    found = run("throughput_by_batch", "--data", str(shared_data / "gpu"))
    assert len({key.partition(":")[0] for key in found}) == 4  # sources
    key = next(key for key in found if key.startswith("A100-class, PyTorch (Gpulet): resnet50"))
    assert found[key]["increase_to_8_ratio"] == pytest.approx(8 * 0.0047624 / 0.0050452 - 1)


def test_concurrency_tail(run: Run) -> None:
    """Clients that never think wait for all others, if these go one after another."""
    found = run("concurrency_tail", "--seeds", "2", "--requests", "80")
    stress = found["leftover:kappa=1.05,beta=0"]["stress"]
    alone_ms = stress["1"]["sequential_latency_p99_ms"]["mean"]
    assert stress["8"]["sequential_latency_p99_ms"]["mean"] == pytest.approx(8 * alone_ms)
    assert stress["1"]["latency_p99_concurrent_minus_sequential_ms"]["mean"] == 0
    assert stress["8"]["concurrent_waiting_mean_ms"]["mean"] == pytest.approx(0, abs=1e-9)
    opened = found["leftover:kappa=1.05,beta=0"]["open"]["8"]
    assert 0 <= opened["sequential_blocked_mean_ms"]["mean"] <= opened["sequential_waiting_mean_ms"]["mean"] + 1e-9


def test_changing_company(run: Run) -> None:
    found = run("changing_company", "--seeds", "2", "--duration-s", "0.3", "--models", "3")
    for size in (1, 8):
        own = found[f"batches of {size}"]
        assert 0 < own["examples"] <= 27
        assert own["static"]["mape_dispatch"] == own["static"]["mape_hindsight"]  # hindsight tells it nothing
        assert own["overlap"]["mape_hindsight_minus_overlap"]["mean"] == 0
    assert found["drawn"]["slowdown"] > 1


def test_rls_sensitivity(run: Run) -> None:
    found = run("rls_sensitivity", "--seeds", "2", "--duration-s", "0.2")
    grid = found["unseen models"]["hindsight"]
    assert len(grid) == 6
    assert all(len(row) == 5 and all(each["mean"] > 0 for each in row.values()) for row in grid.values())


def test_transfer(run: Run) -> None:
    found = run("transfer", "--seeds", "2", "--duration-s", "0.2")
    assert len(found["gpus"]) == 9
    # What was not trained knows nothing of where the others were.
    assert found["gpus"]["V100 to L4"]["RLS from nothing"] == found["gpus"]["A100 to L4"]["RLS from nothing"]
    assert found["gpus"]["V100 to L4"]["offline"] != found["gpus"]["A100 to L4"]["offline"]
    assert 0 < found["full_share"]["4 at once"]["mean"] < found["full_share"]["4 at once, load 1.8"]["mean"] <= 1


def test_drift(run: Run) -> None:
    pytest.importorskip("river", reason="needs isim-serving[learn]")
    found = run("drift", "--seeds", "2", "--duration-s", "1")
    assert len(found["alarms"]) == 20
    for each in found["alarms"].values():
        assert each["too_early_seeds"] + each["noticed_seeds"] <= 2
    assert all(each["mape_before"]["mean"] > 0 for each in found["recovery"].values())


def test_better_predictor(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs isim-serving[learn]")
    brief = ["--seeds", "2", "--duration-s", "0.1", "--reference-s", "0.4"]
    found = run("better_predictor", *brief, "--data", str(tmp_path / "none"))
    assert len(found["at_dispatch"]) == 4 * 2
    for name, each in found["at_dispatch"].items():
        assert min(each[reference]["mean"] for reference in ("oracle", "look-ahead", "informed")) > 0
        own = found["simulated"][f"{name}, dispatch, mechanisms"]["mse_over_rls"]
        assert each["mechanisms"] == own
    assert found["measured"] == {}
    assert len(found["simulated"]) == 4 * 2 * 2 * 3
    for each in found["simulated"].values():
        assert each["mse_over_rls"]["mean"] > 0
        assert each["predict_us_p50"] > 0


def test_interval_coverage(run: Run, tmp_path: Path) -> None:
    found = run("interval_coverage", "--seeds", "2", "--duration-s", "0.1", "--data", str(tmp_path / "none"))
    assert found["measured"] == {}
    assert len(found["simulated"]) == 3 * 4 * 2
    for each in found["simulated"].values():
        assert 0 < each["coverage"]["mean"] <= 1
        assert each["width"]["mean"] > 0


def test_predictors(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = run("predictors", "--seeds", "2", "--duration-s", "0.4")
    assert found["seeds"] == 2
    assert all(count > 30 for counts in found["batches"].values() for count in counts)
    assert found["figure_5_hindsight"]["overlap"]["mse_minus_overlap"]["mean"] == 0
    assert found["figure_5_hindsight"]["static"]["mse"]["mean"] > 0
    for name in ("same models, other load", "unseen models", "mix of all six"):
        assert found["table_1_dispatch"][name]["offline"]["mse_over_offline"]["mean"] == 1
        mse = found["table_1_hindsight"][name]["RLS 1"]["mse"]
        assert mse["low"] <= mse["mean"]
    assert "| unseen models | RLS 0.98 |" in capsys.readouterr().out
