"""The contention model printed in docs/write-a-contention-model.md does what the page says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import kernel, profile_of

from isim.contention.checks import CONTENTION_CHECKS, check_contention
from isim.contention.contention_file import load_contention
from isim.contention.usable import speeds_of
from isim.operations import Operations

PAGE = (Path(__file__).parents[3] / "docs" / "write-a-contention-model.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert source is not None
    (tmp_path / "my_contention.py").write_text(source[1], encoding="utf-8")
    return tmp_path


def test_it_passes_the_checks(folder: Path) -> None:
    check_contention(lambda: load_contention(f"{folder}/my_contention.py:Mine:pull=1.5")[0])


def test_the_checks_run_as_printed(folder: Path) -> None:
    command = re.search(r"^python -c \"(.*check_contention.*)\"$", PAGE, re.MULTILINE)
    assert command is not None
    subprocess.run([sys.executable, "-B", "-c", command[1]], cwd=folder, check=True, timeout=60)


def test_it_queues_for_dram_as_its_docstring_says(folder: Path) -> None:
    """Demands 0.8, 0.5 and 0 with pull 1.5: 1 + 1.5 * 0.8 * 0.5 * 0.5 = 1.3, 1 + 1.5 * 0.5 * 0.8 = 1.6, and 1."""
    model: Any = load_contention(f"{folder}/my_contention.py:Mine:pull=1.5")[0]
    kernels = [kernel(10**6, sm=0.5, dram=0.8), kernel(10**6, sm=0.5, memory=0.5), kernel(10**6, sm=0.5, dram=0.0)]
    demand = model.demand(Operations(profile_of({("a", 1): kernels}), ["a"]))
    speed = speeds_of(model, np.arange(3), demand)[:3]
    assert speed == pytest.approx([1 / 1.3, 1 / 1.6, 1.0], rel=1e-12)


def test_it_runs_as_printed(folder: Path) -> None:
    command = re.search(r"^isim (run --contention .*)$", PAGE, re.MULTILINE)
    assert command is not None
    arguments = [*command[1].split(), "--duration", "1s", "-o", "out"]
    subprocess.run([sys.executable, "-B", "-m", "isim", *arguments], cwd=folder, check=True, timeout=60)


def test_the_page_lists_every_check() -> None:
    listed = set(re.findall(r"^\| `(check_\w+)` \|", PAGE, re.MULTILINE))
    assert listed == {check.__name__ for check in CONTENTION_CHECKS}
