"""`isim run`, `isim show` and `isim list` as a user meets them: a process, its streams, its files."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from worlds import kernel, profile_of

from isim.cli import list as list_command
from isim.cli.run import command as run_command
from isim.cli.show import command as show_command

SHORT = ["--rate", "400rps", "--duration", "2s"]


def isim(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "isim", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which holds a profile of two models and a trace that asks for both."""
    sizes = {(model, size): [kernel(10**6 * size, sm=0.8, memory=0.1)] for model in ("ant", "bee") for size in (1, 4)}
    profile_of(sizes).write(tmp_path / "p.parquet")
    rows = [f"{k / 500:.6f},{'ant' if k % 3 else 'bee'}" for k in range(500)]
    (tmp_path / "t.csv").write_text("\n".join(["arrival_s,model", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_answer_is_on_stdout_and_the_rest_on_stderr(tmp_path: Path) -> None:
    ran = isim("run", *SHORT, "--slo", "20ms", cwd=tmp_path)
    assert ran.returncode == 0
    assert ran.stderr == "isim: wrote runs/example-1\n"
    lines = ran.stdout.splitlines()
    assert lines[:6] == [
        "profile     analytic:L4 (analytic, L4)",
        "requests    poisson at 400 rps for 2 s",
        "policy      dynamic:max_batch=8,max_queue_delay=2ms",
        "sharing     streams, concurrency 2",
        "contention  roofline (not calibrated for this GPU)",
        "seed        0, noise off",
    ]
    assert max(map(len, lines)) <= 100
    assert "\u2026" not in ran.stdout
    shown = isim("show", "runs/example-1", cwd=tmp_path)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, ran.stdout, "")


def test_two_runs_side_by_side_take_two_folders(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        ran = list(pool.map(lambda _: isim("run", *SHORT, cwd=tmp_path), range(3)))
    assert sorted(done.stderr for done in ran) == [f"isim: wrote runs/example-{number}\n" for number in (1, 2, 3)]
    assert all((tmp_path / "runs" / f"example-{number}" / "run.json").is_file() for number in (1, 2, 3))


def test_a_refused_run_leaves_no_folder(tmp_path: Path) -> None:
    assert isim("run", "--policy", "nope", cwd=tmp_path).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_the_table_holds_the_figures(folder: Path) -> None:
    arguments = ["--profile", "p.parquet", "--trace", "t.csv", "--policy", "fcfs", "--slo", "ant=9ms", "-o", "out"]
    text = CliRunner().invoke(run_command, arguments, catch_exceptions=False).stdout
    description = json.loads((folder / "out" / "run.json").read_text())
    total, ant = description["summary"]["total"], description["summary"]["models"]["ant"]
    rows = [line.split() for line in text.splitlines()]
    outcomes = next(row for row in rows if row[:1] == ["ant"])
    assert outcomes[1:5] == ["9", "ms", str(ant["requests"]), str(ant["on_time"])]
    assert outcomes[-2] == f"{ant['attainment']:.4f}"
    latency = next(row for row in rows if row[:2] == ["total", "latency"])
    found = [float(cell) for cell in latency[2:]]
    keys = ["mean", "p50", "p90", "p95", "p99", "p99_9"]
    assert found == pytest.approx([total[f"latency_{key}_s"] * 1e3 for key in keys], rel=0.01)
    batches = [row for row in rows if row[:1] == ["total"]][-1]
    assert float(batches[-4]) == pytest.approx(total["slowdown_max"], abs=6e-4)
    assert float(batches[4]) == pytest.approx(total["busy_share"], abs=6e-4)


def test_what_only_rounding_leaves_below_zero_is_zero(tmp_path: Path) -> None:
    ran = isim("run", "--contention", "none", "--rate", "300rps", "--duration", "5s", "-o", "out", cwd=tmp_path)
    assert "-0.00" not in ran.stdout


def test_json_is_what_the_folder_says(folder: Path) -> None:
    ran = CliRunner().invoke(run_command, ["--profile", "p.parquet", "--trace", "t.csv", "-o", "out", "--json"])
    printed = json.loads(ran.stdout)
    assert printed.pop("folder") == "out"
    assert printed == json.loads((folder / "out" / "run.json").read_text())
    assert printed["contention"]["note"] == "not calibrated for this GPU"
    assert {"latency_p99_s", "goodput_rps"} <= printed["summary"]["total"].keys()
    shown = CliRunner().invoke(show_command, ["out", "--json"])
    assert shown.stdout == ran.stdout


def test_folders_are_numbered_and_quiet_is_quiet(folder: Path) -> None:
    (folder / "mine.toml").write_text('profile = "p.parquet"\ntrace = "t.csv"\n')
    first, second = (CliRunner().invoke(run_command, ["mine.toml", *flags]) for flags in ([], ["-q"]))
    assert first.stderr == "isim: wrote runs/mine-1\n"
    assert second.stderr == ""
    assert sorted(path.name for path in (folder / "runs").iterdir()) == ["mine-1", "mine-2"]
    assert (folder / "runs/mine-1/run.json").read_bytes() == (folder / "runs/mine-2/run.json").read_bytes()


def test_long_names_and_many_models_are_never_cut(folder: Path) -> None:
    names = [f"[bold]a-model-with-a-long-name-{number}" for number in range(12)]
    profile_of({(name, 1): [kernel(10**5)] for name in names}).write("long.parquet")
    ran = CliRunner().invoke(run_command, ["--profile", "long.parquet", *SHORT, "-o", "out"], catch_exceptions=False)
    for name in names:
        assert len(re.findall(rf"^{re.escape(name)} ", ran.stdout, re.MULTILINE)) == 3


def test_what_was_left_undone_is_said_on_stderr(folder: Path) -> None:
    arguments = ["--profile", "p.parquet", "--trace", "t.csv", "--horizon", "500ms", "-o", "out"]
    ran = CliRunner().invoke(run_command, arguments)
    warning = "isim: 249 of 500 requests arrive after the horizon and count as unfinished; "
    assert ran.stderr == f"{warning}raise the horizon or shorten the trace\nisim: wrote out\n"
    assert "simulated   0.500 s of 500 ms" in ran.stdout
    assert CliRunner().invoke(show_command, ["out"]).stderr.startswith("isim: 249 of 500 requests")


def test_several_gpus_and_their_router_are_named(folder: Path) -> None:
    ran = isim(
        "run", *SHORT, "--gpus", "2xanalytic:L4,analytic:T4", "--router", "least-loaded", "-o", "out", cwd=folder
    )
    assert ran.returncode == 0
    assert re.search(r"^GPUs +2xanalytic:L4,analytic:T4$", ran.stdout, re.MULTILINE)
    assert re.search(r"^router +least-loaded$", ran.stdout, re.MULTILINE)
    wrong = isim("run", *SHORT, "--gpus", "2", "--router", "by-model:place=vgg19@2", "-o", "wrong", cwd=folder)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.endswith(
        "isim: router by-model: place vgg19@2: that GPU does not serve it; correct the placement\n"
    )
    assert not (folder / "wrong").exists()


def test_clients_are_told_from_arrivals(folder: Path) -> None:
    arguments = ["--profile", "p.parquet", "--clients", "ant=2,bee", "--think", "3ms", "--requests-per-client", "5"]
    ran = CliRunner().invoke(run_command, [*arguments, "-o", "out", "-v"], catch_exceptions=False)
    assert "requests    clients: 2 of ant, 1 of bee; think time 3 ms, 5 requests each\n" in ran.stdout
    assert re.search(r"isim: 15 requests and [\d,]+ kernel boundaries in [\d.]+ s\n", ran.stderr)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("policies", "dynamic"),
        ("routers", "by-model"),
        ("contention", "leftover"),
        ("models", "vit_b_16"),
        ("gpus", "L4"),
        ("arrivals", "gamma"),
    ],
)
def test_everything_that_can_be_named_is_listed(kind: str, name: str) -> None:
    text = CliRunner().invoke(list_command.command, [kind], catch_exceptions=False).stdout
    rows = json.loads(CliRunner().invoke(list_command.command, [kind, "--json"], catch_exceptions=False).stdout)
    assert name in [row["name"] for row in rows]
    for row in rows:
        assert re.search(rf"^{row['name']}\b", text, re.MULTILINE)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from isim.cli import cli\n"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0\n"
        "assert CliRunner().invoke(cli, ['run', '--help']).exit_code == 0\n"
        "print(sorted({'numpy', 'numba', 'pyarrow', 'pydantic', 'rich', 'simpy', 'scipy'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_objectives_of_requests_beat_those_of_flags_and_that_is_said(folder: Path) -> None:
    """Ants carry 20 ms each, half of the bees 30 ms; cats carry none."""
    sizes = {(model, 1): [kernel(10**6, sm=0.8, memory=0.1)] for model in ("ant", "bee", "cat")}
    profile_of(sizes).write(folder / "three.parquet")
    rows = ["0,ant,20000000", "1,ant,20000000", "2,bee,30000000", "3,bee,", "4,cat,"]
    (folder / "own.csv").write_text("\n".join(["arrival_ns,model,slo_ns", *rows]) + "\n")
    ran = isim("run", "--profile", "three.parquet", "--trace", "own.csv", "--slo", "50ms", "-o", "own", cwd=folder)
    assert ran.stderr.splitlines()[0] == (
        "isim: own.csv: requests of ant, bee carry objectives of their own, which count for them instead of those of "
        "--slo; remove column slo_ns to use --slo"
    )
    rows = [line.split() for line in ran.stdout.partition("Latency")[0].splitlines()]
    outcomes = [row for row in rows if row and row[0] in ("ant", "bee", "cat")]
    assert [row[:3] for row in outcomes] == [["ant", "20", "ms"], ["bee", "per", "request"], ["cat", "50", "ms"]]


def test_models_of_every_device_are_listed(tmp_path: Path) -> None:
    rows = json.loads(isim("list", "models", "--json", cwd=tmp_path).stdout)
    assert {(row["name"], row["device"]) for row in rows} >= {("resnet50", "analytic"), ("resnet18", "cpu, cuda")}
    assert len({tuple(row) for row in rows}) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["--policy", "greedy", "--sharing", "streams:launch=5us"],
            "sharing streams:launch=5us: launch has no effect ",
        ),
        (
            ["--policy", "greedy", "--sharing", "exclusive:preemption=5us"],
            "sharing exclusive:preemption=5us: preemption has no effect (no batch was preempted); leave it out",
        ),
        (["--router", "round-robin"], "router round-robin: has no effect (one GPU); give more with --gpus, or leave "),
        (["--contention", "fit.toml"], "contention fit.toml: fitted under sharing mps, used under streams; fit it "),
        (["--policy", "orion:urgent=ant", "--sharing", "streams:launch=5us"], ""),
        (["--gpus", "2", "--router", "round-robin"], ""),
        (["--contention", "fit.toml", "--sharing", "mps"], ""),
        (["--contention", "fit.toml", "--sharing", "exclusive"], ""),
    ],
    ids=["launch", "preemption", "router", "fitted elsewhere", "gated", "several GPUs", "fitted here", "alone"],
)
def test_what_is_given_and_changes_nothing_is_told(folder: Path, given: list[str], said: str) -> None:
    (folder / "fit.toml").write_text(FITTED)
    ran = CliRunner().invoke(run_command, ["--profile", "p.parquet", "--trace", "t.csv", *given, "-o", "out"])
    assert ran.exit_code == 0, ran.output
    warned = ran.stderr.splitlines()[:-1]  # the last says what was written
    assert [line[: len(f"isim: {said}")] for line in warned] == ([f"isim: {said}"] if said else [])
    shown = CliRunner().invoke(show_command, ["out"])
    assert shown.stderr.splitlines() == warned  # the run keeps it


FITTED = 'schema = "1"\nname = "leftover"\nsharing = "mps"\nmixes = 3\n'
