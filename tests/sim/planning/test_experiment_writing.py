"""An experiment file and a contention file are written whole or not at all, also when that is interrupted."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from isim.contention.contention_file import write_contention
from isim.planning.experiment_writing import write_experiment


def interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_experiment(path, {"profile": "p.parquet"}, []),
        lambda path: write_contention(path, {"name": "fair", "parameters": {}}),
    ],
    ids=["experiment", "contention"],
)
def test_an_interruption_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", interrupted)
        write(tmp_path / "file.toml")
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "file.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["file.toml"]
