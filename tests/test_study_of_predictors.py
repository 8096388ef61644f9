"""docs/studies/predictors.py on a small scale: every number is there, and the page takes the tables."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

STUDY = Path(__file__).parent.parent / "docs" / "studies" / "predictors.py"


def test_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("study_of_predictors", STUDY)
    assert spec is not None and spec.loader is not None
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- tables -->\nold\n<!-- end -->\nafter\n")
    arguments = ["--seeds", "2", "--duration-s", "0.4", "--output", str(tmp_path / "out"), "--page", str(page)]
    monkeypatch.setattr(sys, "argv", ["predictors.py", *arguments])
    study.main()
    found = json.loads((tmp_path / "out" / "predictors.json").read_text())
    assert found["seeds"] == 2
    assert all(count > 30 for counts in found["batches"].values() for count in counts)
    assert found["figure_5_hindsight"]["overlap"]["mse_minus_overlap"]["mean"] == 0
    assert found["figure_5_hindsight"]["static"]["mse"]["mean"] > 0
    for name in ("same models, other load", "unseen models", "mix of all six"):
        assert found["table_1_dispatch"][name]["offline"]["mse_over_offline"]["mean"] == 1
        assert found["table_1_hindsight"][name]["RLS 1"]["mse"]["low"] <= found["table_1_hindsight"][name]["RLS 1"][
            "mse"
        ]["mean"]  # fmt: skip
    text = page.read_text()
    assert text.startswith("before\n<!-- tables -->\nTruth: `leftover:kappa=1.05,beta=0`, 2 seeds of 0.4 s.\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert (tmp_path / "predictors.svg").read_text().startswith("<svg")
    assert "| unseen models | RLS 0.98 |" in capsys.readouterr().out
