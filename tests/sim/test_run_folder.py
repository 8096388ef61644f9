"""The run folder: the same bytes again, whole or absent, and read with care."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from worlds import kernel, profile_of

from isim import simulate
from isim.compare import Rules, compare
from isim.comparison.variants import Variant
from isim.errors import IsimError, RunError
from isim.experiment import Experiment
from isim.run import Run
from isim.whole_folder import writing

FILES = ["batches.parquet", "overlaps.parquet", "requests.parquet", "run.json"]


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Return an experiment whose files lie in the working directory, `here`."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sizes = {
        (model, size): [kernel(10**6 * size, duration_mad_ns=10**4, sm=0.8, memory=0.1)]
        for model in "ab"
        for size in (1, 4)
    }
    profile_of(sizes).write("p.parquet")
    arrivals = {"process": "gamma:cv=2", "rate": "500rps", "duration": "2s"}
    return Experiment(profile="p.parquet", arrivals=arrivals, slo="5ms", noise=True, seed=3)


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_bytes_again_and_elsewhere(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.run("one")
    experiment.run("two")
    shutil.copytree(tmp_path / "here", tmp_path / "there", ignore=shutil.ignore_patterns("one", "two"))
    monkeypatch.chdir(tmp_path / "there")
    experiment.run("deep/three")
    once = content(tmp_path / "here" / "one")
    assert list(once) == FILES
    assert once == content(tmp_path / "here" / "two") == content(tmp_path / "there" / "deep" / "three")
    other = experiment.model_copy(update={"seed": 4})
    other.run("other")
    assert not set(content(Path("other")).values()) & set(once.values())


def test_run_json_says_what_was_run(experiment: Experiment) -> None:
    run = experiment.run("out")
    description = json.loads(Path("out/run.json").read_text())
    assert description == run.description == Run.read("out").description
    assert description["schema"] == "1"
    assert set(description["versions"]) == {"isim", "python", "numpy", "numba", "pyarrow", "simpy"}
    assert (description["seed"], description["provenance"]) == (3, "analytic")
    profile = description["inputs"]["profile"]
    assert (profile["path"], profile["sha256"]) == (
        "p.parquet",
        hashlib.sha256(Path("p.parquet").read_bytes()).hexdigest(),
    )
    assert description["contention"] == {
        "name": "roofline", "parameters": {}, "calibrated": False, "note": "not calibrated for this GPU",
        "fitted_to": None, "fitted_sharing": None,
    }  # fmt: skip
    assert description["ending"]["end_s"] == max(run.table("batches")["finished_s"].to_pylist())
    assert Path("out/run.json").read_text() == json.dumps(description, indent=2, sort_keys=True) + "\n"


def test_inputs_are_known_by_path_and_digest(experiment: Experiment) -> None:
    Path("t.csv").write_text("arrival_ns,model\n0,a\n")
    Path("own.py").write_text("from isim.policies.fcfs import Fcfs\nclass Own(Fcfs):\n    pass\n")
    run = experiment.model_copy(update={"arrivals": None, "trace": "t.csv", "policy": "own.py:Own"}).run()
    for name, path in (("trace", "t.csv"), ("policy", "own.py")):
        found = run.description["inputs"][name]
        assert (found["path"], found["sha256"]) == (path, hashlib.sha256(Path(path).read_bytes()).hexdigest())


def test_without_a_folder_nothing_stays(experiment: Experiment) -> None:
    run = experiment.run()
    folder = run.folder
    assert run.table("requests").num_rows == run.summary["total"]["requests"]
    assert sorted(path.name for path in folder.iterdir()) == FILES
    del run
    assert not folder.exists()
    assert [path.name for path in Path().iterdir()] == ["p.parquet"]


class Interrupted(BaseException):
    """Stands for whatever may stop a run."""


def fail_in_the_run(error: BaseException) -> Callable[..., None]:
    def batch(*_: Any) -> None:
        raise error

    return batch


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), RunError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (Interrupted(), Interrupted),
        (MemoryError(), MemoryError),
    ],
)
@pytest.mark.parametrize("before", [False, True])
def test_a_run_that_stops_leaves_no_or_the_old_folder(
    experiment: Experiment,
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    expected: type[BaseException],
    before: bool,
) -> None:
    if before:
        experiment.run("deep/out")
        old = content(Path("deep/out"))
    monkeypatch.setattr(simulate.Recorder, "batch", fail_in_the_run(raised))
    with pytest.raises(expected) as caught:
        experiment.run("deep/out", force=True)
    if expected is RunError:
        assert str(caught.value) == (
            "deep/out: cannot be written (No space left on device); make room, or choose another disk with -o; "
            + ("nothing of it was kept, and the old folder is as it was" if before else "nothing was kept")
        )
    if before:
        assert content(Path("deep/out")) == old
        assert [path.name for path in Path("deep").iterdir()] == ["out"]
    else:
        assert [path.name for path in Path().iterdir()] == ["p.parquet"]


def test_a_full_disk_at_the_last_moment(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment.run("out")
    old = content(Path("out"))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"):
        experiment.run("out", force=True)
    assert content(Path("out")) == old
    assert sorted(path.name for path in Path().iterdir()) == ["out", "p.parquet"]


def test_the_old_folder_comes_back_if_it_cannot_be_replaced(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.run("out")
    old, rename = content(Path("out")), Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.suffix == ".partial":
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RunError, match="Input/output error"):
        experiment.run("out", force=True)
    assert content(Path("out")) == old
    assert sorted(path.name for path in Path().iterdir()) == ["out", "p.parquet"]


def test_force_replaces_a_run_and_nothing_else(experiment: Experiment) -> None:
    experiment.run("out")
    with pytest.raises(RunError) as caught:
        experiment.run("out")
    assert str(caught.value) == "out: exists already; choose another folder with -o, or replace it with -f/--force"
    old = content(Path("out"))
    experiment.model_copy(update={"seed": 9}).run("out", force=True)
    assert not set(content(Path("out")).values()) & set(old.values())
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match=r"mine: exists and is not what -f/--force may replace \(no run.json in it\)"):
        experiment.run("mine", force=True)
    with pytest.raises(RunError, match=r"p.parquet: exists and is not what -f/--force may replace \(a file\)"):
        experiment.run("p.parquet", force=True)
    assert Path("mine/thesis.txt").read_text() == "years of work"
    Path("empty").mkdir()
    assert experiment.run("empty", force=True).folder == Path("empty")


def test_force_spares_a_folder_with_foreign_files(experiment: Experiment) -> None:
    for mark in ("run.json", "compare.json"):
        folder = Path(mark).with_suffix(".d")
        (folder / "ch").mkdir(parents=True)
        (folder / mark).write_text("{}")
        (folder / "ch/thesis.tex").write_text("years of work")
        with pytest.raises(RunError) as caught:
            if mark == "run.json":
                experiment.run(folder, force=True)
            else:
                compare([Variant("fcfs", experiment)], Rules(1), folder, force=True)
        assert str(caught.value) == (
            f"{folder}: exists and is not what -f/--force may replace (ch/thesis.tex in it is not isim's); "
            "choose another with -o"
        )
        assert (folder / "ch/thesis.tex").read_text() == "years of work"
        assert sorted(path.name for path in folder.iterdir()) == sorted(["ch", mark])


def test_force_spares_what_was_put_into_a_comparison(experiment: Experiment) -> None:
    variants = [Variant(policy, experiment.model_copy(update={"policy": policy})) for policy in ("fcfs", "greedy")]
    for _ in range(2):
        compare(variants, Rules(1), "cmp", force=True)
    notes = Path("cmp/1-fcfs/seed-3/notes.txt")
    notes.write_text("mine")
    with pytest.raises(RunError, match=r"\(1-fcfs/seed-3/notes.txt in it is not isim's\)"):
        compare(variants[:1], Rules(1), "cmp", force=True)
    assert notes.read_text() == "mine"


def test_a_link_leads_to_the_folder_that_is_replaced(experiment: Experiment) -> None:
    experiment.run("real")
    Path("link").symlink_to("real")
    experiment.model_copy(update={"seed": 9}).run("link", force=True)
    assert Path("link").is_symlink()
    assert Run.read("real").description["seed"] == 9


def test_a_folder_that_cannot_be_made(experiment: Experiment) -> None:
    with pytest.raises(RunError) as caught:
        experiment.run("p.parquet/out")
    assert str(caught.value) == (
        "p.parquet/out: cannot be written (Not a directory); choose another folder with -o; nothing was kept"
    )


def test_the_folder_keeps_to_the_users_permissions(experiment: Experiment) -> None:
    Path("plain").mkdir()
    assert experiment.run("out").folder.stat().st_mode == Path("plain").stat().st_mode


def test_writing_yields_what_becomes_the_folder(tmp_path: Path) -> None:
    with writing(tmp_path / "out", mark="mark") as partial:
        (partial / "mark").write_text("1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "mark").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def rewrite(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "run.json"
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return apply


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (shutil.rmtree, "out: not a run folder (no such folder); give what 'isim run -o' wrote"),
        (
            lambda folder: (folder / "run.json").unlink(),
            "out: not a run folder (no run.json); give what 'isim run -o' wrote",
        ),
        (lambda folder: (folder / "run.json").write_text("{"), "out/run.json: not JSON ("),
        (
            rewrite(lambda description: description | {"schema": "9"}),
            "out/run.json: a run of another version (schema '9', ",
        ),
        (
            rewrite(lambda description: [description]),
            "out/run.json: a run of another version (schema None, known: '1')",
        ),
        (
            lambda folder: (folder / "batches.parquet").unlink(),
            "out: incomplete (batches.parquet missing); simulate again",
        ),
        (
            lambda folder: (folder / "overlaps.parquet").write_bytes((folder / "overlaps.parquet").read_bytes()[:-9]),
            "out/overlaps.parquet: not a readable Parquet file (",
        ),
        (
            lambda folder: shutil.copy(folder / "requests.parquet", folder / "batches.parquet"),
            "out/batches.parquet: no column 'gpu' (has: request_id, model, ",
        ),
        (
            lambda folder: pq.write_table(
                pq.read_table(folder / "requests.parquet").slice(0, 10), folder / "requests.parquet"
            ),
            "out/requests.parquet: not of this run (10 rows, and run.json counts ",
        ),
        (
            rewrite(lambda description: description | {"summary": {"total": {}, "models": {}}}),
            "out/run.json: incomplete (summary.total.requests, summary.total.on_time, summary.total.late and ",
        ),
    ],
)
def test_a_folder_that_is_no_run(experiment: Experiment, damage: Callable[[Path], Any], problem: str) -> None:
    experiment.run("out")
    damage(Path("out"))
    with pytest.raises(RunError) as caught:
        Run.read("out")
    assert str(caught.value).startswith(problem)


def test_a_damaged_table(experiment: Experiment) -> None:
    run = experiment.run("out")
    with pytest.raises(RunError, match=r"out/requests.parquet: no column 'nope' \(has: request_id, model, arrived_s"):
        run.table("requests", ["nope"])
    Path("out/requests.parquet").write_bytes(b"junk")
    with pytest.raises(IsimError, match=r"out/requests.parquet: not a readable Parquet file \(.*\); simulate again"):
        run.table("requests")


@pytest.mark.parametrize("part", ["summary", "ending", "inputs", "parameters"])
def test_a_description_that_lacks_a_part(experiment: Experiment, part: str) -> None:
    experiment.run("out")
    path = Path("out") / "run.json"
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != part}))
    with pytest.raises(RunError, match=rf"^out/run.json: incomplete \({part} missing\); simulate again$"):
        Run.read("out")
