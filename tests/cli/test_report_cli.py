"""`isim report`: a page that a browser draws without network, and what cannot be reported."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from worlds import kernel, profile_of

from isim.capacity import capacity
from isim.cli.report import command
from isim.compare import Rules, compare
from isim.comparison.requirement import Requirement
from isim.comparison.variants import Variant
from isim.errors import RunError
from isim.experiment import Experiment

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run, a comparison and capacities."""
    folder = tmp_path_factory.mktemp("report")
    sizes = {
        (model, size): [kernel(10**6 * size, sm=0.8, memory=0.3)] * 2 for model in ("a", "<b>&c") for size in (1, 2)
    }
    profile_of(sizes).write(folder / "p.parquet")
    keys: dict[str, Any] = {
        "profile": str(folder / "p.parquet"),
        "arrivals": {"rate": "300rps", "duration": "500ms"},
        "slo": "20ms",
    }
    Experiment(**keys, policy="greedy", predictor="mean").run(folder / "run")
    variants = [Variant(policy, Experiment(**keys, policy=policy)) for policy in ("fcfs", "greedy")]
    compare(variants, Rules(3), folder / "cmp")
    capacity(variants, Requirement.parse("attainment >= 0.9"), 2, folder / "cap")
    capacity(variants, Requirement.parse("attainment >= 0.9"), 2, folder / "few", most_gpus=8)
    return folder


def report(*arguments: str | Path) -> Any:
    return CliRunner(catch_exceptions=False).invoke(command, [str(each) for each in arguments])


@pytest.mark.parametrize("name", ["run", "cmp", "cap", "few"])
def test_a_page_needs_nothing_but_itself(folder: Path, tmp_path: Path, name: str) -> None:
    report(folder / name, "-o", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert len(text) < 300_000
    assert not re.search(r"""(src|href)=|@import|url\(|fetch\(|XMLHttpRequest""", text)
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}
    assert "<b>&c" not in text.replace('"<b>&c"', "").split('<script type="application/json"')[0]
    again = tmp_path / "again.html"
    report(folder / name, "-o", again)
    assert again.read_bytes() == (tmp_path / "page.html").read_bytes()


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        (
            "run",
            [
                "Latency", "Load and goodput", "SLO attainment", "Queue", "Concurrency", "Batch sizes",
                "Slowdown by pair", "Predictor error", "Timeline",
            ],
        ),
        ("cmp", ["SLO attainment", "goodput, rps", "latency p99, ms", "Differences of SLO attainment", "Latency"]),
        (
            "cap",
            [
                "Capacity", "Differences of capacity", "SLO attainment over the load", "Goodput over the load, rps",
                "p99 latency over the load, ms",
            ],
        ),
        (
            "few",
            [
                "Fewest GPUs", "Differences of fewest GPUs", "SLO attainment by number of GPUs",
                "Goodput by number of GPUs, rps", "p99 latency by number of GPUs, ms",
            ],
        ),
    ],
    ids=["run", "comparison", "capacity", "fewest GPUs"],
)  # fmt: skip
def test_a_browser_draws_every_chart(folder: Path, tmp_path: Path, name: str, titles: list[str]) -> None:
    if BROWSER is None:
        pytest.skip("no Chromium here; install chromium to see that pages are drawn")
    page = tmp_path / "page.html"
    report(folder / name, "-o", page)
    drawn = browse(tmp_path, "--dump-dom", "--virtual-time-budget=3000", f"file://{page}").stdout
    assert f'data-drawn="{len(titles)}"' in drawn  # set by the last line of the script: none before it failed
    assert re.findall(r"<h2>([^<]+)</h2>", drawn.split('id="charts"')[1]) == titles
    shown = [title for title in titles if title != "Timeline"]
    for title, section in zip(titles, drawn.split('id="charts"')[1].split("<section")[1:], strict=True):
        section = section.partition("</section>")[0]
        if title in shown:
            assert len(re.findall(r"<(?:path|rect|circle|line) ", section)) >= 5, title
            assert "NaN" not in section
            assert "undefined" not in section
    shot = tmp_path / "page.png"
    browse(tmp_path, "--virtual-time-budget=3000", "--window-size=1280,2600", f"--screenshot={shot}", f"file://{page}")
    assert shot.read_bytes().startswith(b"\x89PNG")
    assert shot.stat().st_size > 50_000  # an empty page compresses to a few kilobytes
    if keep := os.environ.get("ISIM_SCREENSHOTS"):
        shutil.copy(shot, Path(keep) / f"{name}.png")


def browse(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    profile = f"--user-data-dir={folder / 'browser'}"
    return subprocess.run(
        [str(BROWSER), *QUIET, profile, *arguments], capture_output=True, text=True, timeout=120, check=True
    )


def test_a_timeline_of_a_run(folder: Path, tmp_path: Path) -> None:
    report(folder / "run", "--timeline", tmp_path / "t.json", "--from", "100ms", "--to", "200ms")
    assert json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    for arguments, said in (
        ((folder / "cmp", "--timeline", "c.json"), "cmp: a comparison has no timeline"),
        ((folder / "run", "--timeline", "c.json", "--from", "9s"), "nothing from 9 s to inf s (the run ends at "),
    ):
        with pytest.raises(RunError) as caught:
            report(*arguments)
        assert said in str(caught.value)
    for flags in (("--from", "0s"), ("--to", "1s"), ("--kernels",)):
        assert report(folder / "run", *flags).exit_code == 2
    assert report(folder / "run", "--timeline", tmp_path / "u.json", "--from", "0s", "--to", "50ms").exit_code == 0
    assert report(folder / "run", "--timeline", "t.json", "-o", "r.html").exit_code == 2


def test_what_cannot_be_reported(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/compare.json").write_text("{")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/compare.json").write_text("{}")
    (tmp_path / "there.html").write_text("mine")
    for arguments, said in (
        (("nowhere",), "nowhere: not a run folder (no such folder)"),
        (("broken",), "broken/compare.json: not JSON"),
        (("old",), "old/compare.json: a comparison of another version (kind None); compare again"),
        ((folder / "run", "-o", "there.html"), "there.html: exists already"),
        ((folder / "run", "-o", "no/where.html"), "no/where.html: no folder no; make it"),
        ((folder / "run", "-o", "old"), "old: a folder; give the name of a file"),
    ):
        with pytest.raises(RunError) as caught:
            report(*arguments)
        assert said in str(caught.value)
    assert (tmp_path / "there.html").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "old", "there.html"]
    report(folder / "run", "-o", "there.html", "-f")
    assert (tmp_path / "there.html").read_text().startswith("<!doctype html>")
