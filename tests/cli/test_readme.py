"""The README shows a real result."""

import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_what_the_built_in_example_prints(tmp_path: Path) -> None:
    shown = README.read_text(encoding="utf-8").partition("What `make demo` prints")[2].partition("## ")[0]
    lines = [line[4:] for line in shown.splitlines() if line.startswith("    ")]
    assert len(lines) > 20
    done = subprocess.run(
        [sys.executable, "-m", "isim", "run", "-o", str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    printed = {line.rstrip() for line in done.stdout.splitlines()}
    assert [line for line in lines if line and line not in printed] == []
