"""The commands and experiment files of docs/arrivals.md work as they stand there."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from isim.building.inputs import load_inputs
from isim.cli import cli
from isim.experiment import Experiment
from isim.plugins import list_plugins
from isim.traces.trace import Trace

PAGE = (Path(__file__).parents[2] / "docs" / "arrivals.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    isim (trace make .*)$", PAGE, re.MULTILINE)
TABLES = [block for block in re.findall(r"(?:^(?:    .*)?\n)+", PAGE, re.MULTILINE) if "[arrivals" in block]


@pytest.mark.parametrize("command", [command for command in COMMANDS if ".toml" not in command])
def test_a_command_makes_a_trace(tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, shlex.split(command), catch_exceptions=False).exit_code == 0
    assert len(Trace.read("t.parquet")) > 1000


@pytest.mark.parametrize("text", TABLES)
def test_an_experiment_file_generates_requests(text: str) -> None:
    inputs = load_inputs(Experiment(**tomllib.loads("\n".join(line.strip() for line in text.splitlines()))))
    assert inputs.trace is not None
    assert len(inputs.trace) > 1000


def test_the_page_has_both() -> None:
    assert len(COMMANDS) >= 3
    assert len(TABLES) >= 3


def test_every_process_stands_on_the_page() -> None:
    for plugin in list_plugins("isim.arrivals"):
        assert f"`{plugin.name}" in PAGE
        assert all(
            f"`{name.removesuffix('_s')}`" in PAGE or f"{name.removesuffix('_s')}=" in PAGE
            for name in plugin.parameters
        ), plugin
