"""The study of interference-aware EDF: its workloads and search by hand, and all of it on a small scale."""

import importlib
import json
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

STUDIES = Path(__file__).parent.parent.parent / "docs" / "studies"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(STUDIES))
    return importlib.import_module(name)


@pytest.mark.parametrize("limit_rps", [3.0, 99.9, 100.0, 111.0, 2345.0])
def test_the_search_ends_below_the_limit(limit_rps: float, monkeypatch: pytest.MonkeyPatch) -> None:
    contenders = load("contenders", monkeypatch)
    monkeypatch.setattr(contenders, "missed", lambda trial: 0.01 if trial.rate_rps <= limit_rps else 0.02)
    trial = contenders.Trial(contenders.Contender("any", 1), contenders.Setting("Poisson"), 0, 100.0)
    found = contenders.sustained_rps(trial)
    assert found <= limit_rps < found * 2 ** (1 / contenders.STEPS) * (1 + 1e-12)


def test_what_is_missed_at_any_load_sustains_none(monkeypatch: pytest.MonkeyPatch) -> None:
    contenders = load("contenders", monkeypatch)
    monkeypatch.setattr(contenders, "missed", lambda trial: 1.0)
    trial = contenders.Trial(contenders.Contender("any", 1), contenders.Setting("Poisson"), 0, 100.0)
    assert contenders.sustained_rps(trial) == 0.0


def test_recorded_requests_are_dealt_whole(monkeypatch: pytest.MonkeyPatch, shared_data: Path) -> None:
    """8,819 requests of Azure in fifths, the last arrival at the end of the last; five tasks of DISB."""
    workloads = load("four_workloads", monkeypatch)
    monkeypatch.setattr(workloads, "FILES", {
        "Azure code": shared_data / "traces" / "azure-llm-2023" / "AzureLLMInferenceTrace_code.csv",
        "DISB REAL": shared_data / "traces" / "disb" / "REAL.json",
    })  # fmt: skip
    fifths = [workloads.dealt("Azure code", seed) for seed in range(5)]
    assert sum(map(len, fifths)) in (8818, 8819)
    assert all(abs(len(fifth) - 8819 / 5) <= 3 and set(fifth.models) == set(workloads.NAMES) for fifth in fifths)
    again = workloads.dealt("Azure code", 5)
    assert np.array_equal(again.arrival_ns, fifths[0].arrival_ns)
    assert not np.array_equal(again.model_codes, fifths[0].model_codes)
    deals = {tuple(workloads.dealt("DISB REAL", seed).models) for seed in range(3)}
    assert all(len(deal) == 5 for deal in deals)
    assert len(workloads.dealt("DISB REAL", 0)) == 1684
    workloads.dealt.cache_clear()


def test_recorded_requests_at_a_rate(monkeypatch: pytest.MonkeyPatch, shared_data: Path, tmp_path: Path) -> None:
    workloads = load("four_workloads", monkeypatch)
    monkeypatch.setattr(workloads, "FILES", {"DISB REAL": shared_data / "traces" / "disb" / "REAL.json"})
    keys = workloads.requests("DISB REAL", 1, 500.0, 3.0, tmp_path)
    trace = workloads.Trace.read(keys["trace"])
    assert len(trace) / trace.duration_ns * 1e9 == pytest.approx(500.0, rel=1e-6)
    workloads.dealt.cache_clear()


def test_the_study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- tables -->\nstale\n<!-- end -->\nafter\n")
    monkeypatch.syspath_prepend(str(STUDIES))
    flags = [
        "--output", str(tmp_path), "--page", str(page), "--seeds", "2", "--duration-s", "0.2", "--workloads", "Poisson",
        "--others", "edf;greedy", "--most-at-once", "1", "--executor", "processes:1",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["interference_aware", *flags])
    runpy.run_path(str(STUDIES / "interference_aware.py"), run_name="__main__")
    found: dict[str, Any] = json.loads((tmp_path / "interference_aware.json").read_text())
    loads = found["sustained"]["Poisson"]
    predictors = "mechanisms", "oracle", "look-ahead:contention=leftover"
    assert list(loads)[:3] == [f"interference-aware with {predictor}, 2 at once" for predictor in predictors]
    assert set(list(loads)[3:]) == {"edf, 1 at once", "greedy, 1 at once"}
    assert all(len(each) == 2 and min(each) > 0 for each in loads.values())
    assert found["ablation"]["all"] == found["predictors"]["`mechanisms`"]
    assert all(0 <= share <= 1 for pair in found["priorities"]["`priority`"] for share in pair)
    ElementTree.fromstring((tmp_path / "interference_aware.svg").read_text())
    assert "stale" not in page.read_text()
    # What was measured is not measured again.
    monkeypatch.setattr("isim.experiment.Experiment.run", None)
    runpy.run_path(str(STUDIES / "interference_aware.py"), run_name="__main__")
    assert json.loads((tmp_path / "interference_aware.json").read_text()) == found
    assert "| `edf` |" in capsys.readouterr().out
