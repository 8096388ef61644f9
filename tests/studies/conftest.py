"""A study on a small scale."""

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

STUDIES = Path(__file__).parent.parent.parent / "docs" / "studies"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def study(name: str, *arguments: str) -> dict[str, Any]:
        page = tmp_path / "page.md"
        page.write_text("before\n<!-- tables -->\nstale\n<!-- end -->\nafter\n")
        monkeypatch.syspath_prepend(str(STUDIES))
        flags = ["--output", str(tmp_path), "--page", str(page), *arguments]
        monkeypatch.setattr(sys, "argv", [name, *flags])
        runpy.run_path(str(STUDIES / f"{name}.py"), run_name="__main__")
        text = page.read_text()
        assert text.startswith("before\n<!-- tables -->\n")
        assert text.endswith("<!-- end -->\nafter\n")
        assert "stale" not in text
        ElementTree.fromstring((tmp_path / f"{name}.svg").read_text())
        found: dict[str, Any] = json.loads((tmp_path / f"{name}.json").read_text())
        return found

    return study
