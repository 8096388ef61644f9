"""Options come from the environment by the name of their flag."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from isim.cli import cli


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        (["run"], "ISIM_RUN_HORIZON"),
        (["run"], "ISIM_RUN_SLO"),
        (["trace", "make", "poisson", "-o", "t.parquet"], "ISIM_TRACE_MAKE_RATE"),
        (["import", "trace", "counts", "c.csv", "-o", "r.parquet"], "ISIM_IMPORT_TRACE_COUNTS_WIDTH"),
    ],
)
def test_a_variable_is_named_after_the_flag(
    arguments: list[str], variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(cli, arguments, env={variable: "junk"})
    assert refused.exit_code == 2
    assert "--" + variable.rpartition("_")[2].lower() in refused.stderr
    assert "junk" in refused.stderr
