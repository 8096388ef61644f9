"""The page on analytic profiles prints what the comparison gives today."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_holds_the_comparison(shared_data: Path) -> None:
    page = (ROOT / "docs" / "analytic-profiles.md").read_text(encoding="utf-8").splitlines()
    command = [sys.executable, str(ROOT / "tests" / "fidelity" / "analytic.py"), "--data", str(shared_data)]
    printed = subprocess.run(
        command, capture_output=True, encoding="utf-8", check=True, timeout=120
    ).stdout.splitlines()
    assert len(printed) == 45
    assert [line for line in printed if line not in page] == []
