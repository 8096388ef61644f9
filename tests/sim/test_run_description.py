"""A `run.json` that was damaged or edited is refused, or read all the same, and never a traceback."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worlds import kernel, profile_of

from isim.cli.tables import print_run, run_facts
from isim.errors import IsimError, RunError
from isim.evaluation.run_cases import run_cases
from isim.experiment import Experiment
from isim.kernel_spans import kernel_spans
from isim.report.run_page import run_page
from isim.run import Run

POINT = {"rate": "400rps", "duration": "100ms", "models": {"a": 1}}
EXPERIMENTS: dict[str, dict[str, Any]] = {
    "arrivals": {"arrivals": POINT, "slo": "5ms", "predictor": "mean"},
    "trace": {"trace": "t.csv", "slo": "5ms"},
    "clients on two kinds": {
        "gpus": "p.parquet,q.parquet",
        "clients": {"models": {"a": 2}, "think": "5ms", "duration": "50ms"},
        "router": "power-of-two",
    },
}


@pytest.fixture(params=EXPERIMENTS)
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for name, duration_ns in (("p", 10**6), ("q", 2 * 10**6)):
        profile_of({("a", size): [kernel(size * duration_ns)] for size in (1, 4)}).write(f"{name}.parquet")
    Path("t.csv").write_text("arrival_ns,model,slo_ns\n0,a,5000000\n10,a,\n20,a,\n")
    keys = EXPERIMENTS[request.param]
    own: dict[str, Any] = {} if "gpus" in keys else {"profile": "p.parquet"}
    return Experiment(**own, policy="greedy", **keys).run("out")


def paths(inside: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each value stands, whole tables and lists included."""
    for key, value in inside.items() if isinstance(inside, dict) else enumerate(inside):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*path, key))


def damaged(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield descriptions with a value gone, or replaced by one of another kind."""
    for path in paths(description):
        where = ".".join(map(str, path))
        for name, put in (("gone", None), ("null", None), ("text", "x"), ("list", [1]), ("negative", -1)):
            changed = copy.deepcopy(description)
            inside = changed
            for key in path[:-1]:
                inside = inside[key]
            if name == "gone":
                del inside[path[-1]]
            else:
                inside[path[-1]] = put
            yield f"{where} {name}", changed


def read_in_every_way(folder: Path, with_batches: bool) -> None:
    found = Run.read(folder)
    print_run(found)
    run_page(found, "page", run_facts(found.description))
    if not with_batches:
        return
    list(kernel_spans(found, [0]))
    if "gpus" not in found.description["parameters"]:  # several kinds are not evaluated at all
        run_cases(found, None)


def test_a_damaged_description_is_a_sentence_or_harmless(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    refused = set()
    for name, description in damaged(run.description):
        if name.startswith("summary.total.") and run.description["parameters"]["arrivals"] is None:
            continue  # figures are alike in all runs
        (run.folder / "run.json").write_text(json.dumps(description))
        try:
            read_in_every_way(run.folder, with_batches=not name.startswith("summary."))
        except IsimError as error:
            refused.add(name)
            assert all(problem.count(": ") and "; " in problem for problem in error.problems), name
        except Exception as error:
            pytest.fail(f"{name}: {error!r}")
    required = {"summary", "parameters.policy", "ending.end_s", "summary.models.a.late", "contention.note"}
    assert {f"{name} {how}" for name in required for how in ("gone", "text", "list")} - refused <= {
        "parameters.policy text", "contention.note text"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("ending.end_s", "soon", "ending.end_s is not what isim writes there (found 'soon'); simulate again"),
        ("parameters.concurrency", True, "parameters.concurrency is not what isim writes there (found True)"),
        ("parameters.arrivals", None, "parameters: trace, arrivals, clients do not belong together; simulate again"),
        ("sharing.mode", "mps", "parameters.sharing, sharing.mode do not belong together; simulate again"),
        ("summary.models", {}, "summary: requests of the models and in total do not belong together; simulate again"),
        ("summary.total", {"requests": 3}, "incomplete (summary.total.on_time, summary.total.late, summary.total."),
    ],
)
@pytest.mark.parametrize("run", ["arrivals"], indirect=True)
def test_what_is_wrong_is_said(run: Run, path: str, value: Any, said: str) -> None:
    description = copy.deepcopy(run.description)
    table, _, key = path.rpartition(".")
    description[table][key] = value
    (run.folder / "run.json").write_text(json.dumps(description))
    with pytest.raises(RunError) as caught:
        Run.read(run.folder)
    assert caught.value.problems[0].startswith(f"out/run.json: {said}")
