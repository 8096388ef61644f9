"""`isim compare`: the same luck for every policy, intervals over seeds, and what is kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from worlds import kernel, profile_of

from isim.cli.compare import command
from isim.cli.show import command as show
from isim.errors import ExperimentError, PolicyError, RunError
from isim.run import Run
from isim.statistics import interval, paired_difference

POLICIES = ["--policy", "greedy", "--policy", "static:batch_size=4,max_delay=5ms"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which holds a profile and a trace."""
    sizes = {
        (model, size): [kernel(2 * 10**6 + 10**5 * size, sm=0.8, memory=0.1)] for model in "ab" for size in (1, 2, 4)
    }
    profile_of(sizes).write(tmp_path / "p.parquet")
    rows = [f"{k * 10**6},a" for k in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["arrival_ns,model", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


GENERATED = ["--profile", "p.parquet", "--rate", "500rps", "--duration", "500ms", "--slo", "8ms"]


def compare(*arguments: str) -> Any:
    return CliRunner().invoke(command, [*arguments, "--executor", "processes:1"], catch_exceptions=False)


def test_figures_and_intervals_come_from_the_runs(folder: Path) -> None:
    ran = compare(*GENERATED, *POLICIES, "--seeds", "3", "--seed", "5", "--no-warm-up", "-o", "cmp", "--json")
    found = json.loads(ran.stdout)
    assert found == json.loads(Path("cmp/compare.json").read_text())
    assert (found["seeds"], found["baseline"], found["notes"]) == ([5, 6, 7], "greedy", [])
    folders = ["1-greedy", "2-static_batch_size=4,max_delay=5ms"]
    assert sorted(path.name for path in Path("cmp").iterdir()) == [*folders, "compare.json"]
    runs = [[Run.read(Path("cmp") / name / f"seed-{seed}") for seed in (5, 6, 7)] for name in folders]
    for greedy, static in zip(*runs, strict=True):
        assert greedy.table("requests", ["arrived_s"]) == static.table("requests", ["arrived_s"])
    for model in (None, "a", "b"):
        values = [
            [(run.summary["total"] if model is None else run.summary["models"][model])["latency_p99_s"] for run in of]
            for of in runs
        ]
        static = found["variants"]["static:batch_size=4,max_delay=5ms"]
        figure = (static["total"] if model is None else static["models"][model])["latency_p99_s"]
        mean, low, high, _ = interval(values[1])
        change = paired_difference(values[1], values[0])
        assert figure["values"] == values[1]
        assert (figure["mean"], *figure["ci95"]) == pytest.approx((mean, low, high))
        assert (figure["minus_baseline"], *figure["minus_baseline_ci95"]) == pytest.approx(change[:3])
    assert values[0][0] != values[0][1]


def test_the_table_names_policies_and_shows_every_figure(folder: Path) -> None:
    ran = compare(*GENERATED, *POLICIES, "--seeds", "2", "--no-warm-up")
    lines = ran.stdout.splitlines()
    assert lines[:7] == [
        "profile     p.parquet (analytic)",
        "requests    poisson at 500 rps for 500 ms",
        "sharing     streams, concurrency 2",
        "contention  roofline (not calibrated for this GPU)",
        "seeds       0 to 1, noise off; the same requests for every variant at a seed",
        "variant A   greedy",
        "variant B   static:batch_size=4,max_delay=5ms",
    ]
    assert lines[7].split() == ["variant", "mean", "95", "%", "interval", "minus", "A", "95", "%", "interval"]
    assert lines[9].startswith("SLO attainment ")
    assert (max(map(len, lines[:-6])) <= 100, ran.stderr) == (True, "")
    assert lines[-4].split()[:4] == ["rank", "variant", "SLO", "attainment"]
    assert lines[-5] == "Ranked by SLO attainment; a difference is real if p < 0.05, corrected (Holm) for 1 pairs"
    assert sorted(path.name for path in folder.iterdir()) == ["p.parquet", "t.csv"]


def test_a_fixed_trace_runs_once(folder: Path) -> None:
    ran = compare("--profile", "p.parquet", "--trace", "t.csv", *POLICIES, "--seeds", "4", "--json")
    assert ran.stderr == "isim: nothing is random here, so there is nothing to replicate: every variant ran once\n"
    found = json.loads(ran.stdout)
    assert (found["replications"], found["seeds"]) == (1, [0])
    assert found["variants"]["greedy"]["total"]["goodput_rps"]["ci95"] is None


def test_one_seed_has_no_interval(folder: Path) -> None:
    ran = compare(*GENERATED, "--policy", "fcfs", "--seeds", "1")
    assert ran.stderr == "isim: one replication has no confidence interval; give more with --seeds\n"
    assert "[" not in ran.stdout
    assert "minus" not in ran.stdout


def test_show_tells_a_comparison_from_a_run(folder: Path) -> None:
    compare("--profile", "p.parquet", "--trace", "t.csv", *POLICIES, "-o", "cmp", "-q")
    with pytest.raises(RunError) as caught:
        CliRunner().invoke(show, ["cmp"], catch_exceptions=False)
    assert str(caught.value) == (
        "cmp: holds a comparison, not a run (found compare.json); see it with 'isim report cmp', or give the folder of "
        "one of its runs, such as cmp/1-greedy/seed-0"
    )
    Run.read("cmp/1-greedy/seed-0")
    compare(*GENERATED, "--policy", "greedy", "--seeds", "1", "--capacity", "attainment >= 0.5", "-o", "cap", "-q")
    with pytest.raises(RunError) as caught:
        CliRunner().invoke(show, ["cap"], catch_exceptions=False)
    assert str(caught.value) == (
        "cap: holds a comparison, not a run (found compare.json); see it with 'isim report cap'"
    )


def test_a_wrong_policy_is_told_before_anything_runs(folder: Path) -> None:
    with pytest.raises(PolicyError, match="policy gredy: unknown"):
        compare(*GENERATED, "--policy", "fcfs", "--policy", "gredy", "-o", "cmp")
    with pytest.raises(ExperimentError, match="variant fcfs: given twice"):
        compare(*GENERATED, "--policy", "fcfs", "--policy", "fcfs", "-o", "cmp")
    assert sorted(path.name for path in folder.iterdir()) == ["p.parquet", "t.csv"]


def test_all_that_is_wrong_is_told_at_once(folder: Path) -> None:
    Path("cmp").mkdir()
    Path("cmp/thesis.txt").write_text("years of work")
    wrong = ["--policy", "gredy", "--policy", "fcfs", "--slo", "c=1s", "-o", "cmp"]
    for inputs, places in (
        (["--trace", "t.csv"], ["slo.c", "policy gredy", "cmp"]),
        (["--trace", "no.csv"], ["no.csv", "policy gredy", "slo.c", "cmp"]),
        (["--trace", "no.csv", "--concurrency", "0"], ["--concurrency", "no.csv", "policy gredy", "slo.c", "cmp"]),
    ):
        with pytest.raises(ExperimentError) as caught:
            compare("--profile", "p.parquet", *inputs, *wrong)
        assert [problem.partition(": ")[0] for problem in caught.value.problems] == places


def test_only_a_comparison_is_replaced(folder: Path) -> None:
    once = [*GENERATED, "--policy", "fcfs", "--seeds", "1", "-o", "cmp"]
    compare(*once)
    with pytest.raises(RunError, match="cmp: exists already"):
        compare(*once)
    compare(*once, "--seed", "3", "-f")
    assert json.loads(Path("cmp/compare.json").read_text())["seeds"] == [3]
    with pytest.raises(RunError, match=r"cmp/1-fcfs: exists and is not what -f/--force may replace \(no compare.json"):
        compare(*once[:-1], "cmp/1-fcfs", "-f")


def test_as_a_process(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "isim", "compare", *GENERATED, *POLICIES, "--seeds", "0"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "0 is not in the range x>=1" in ran.stderr


def test_variants_come_from_the_file(folder: Path) -> None:
    Path("e.toml").write_text(
        'profile = "p.parquet"\nslo = "8ms"\narrivals = { rate = "500rps", duration = "200ms" }\n'
        '[[variant]]\npolicy = "greedy"\n[[variant]]\npolicy = "static:batch_size={2,4}"\nconcurrency = [1, 2]\n'
    )
    ran = compare("e.toml", "--seeds", "2", "--json")
    assert list(json.loads(ran.stdout)["variants"]) == sorted(
        [
            "greedy, concurrency=2",
            *(f"static:batch_size={size}, concurrency={slots}" for size in (2, 4) for slots in (1, 2)),
        ]
    )
    over = compare("e.toml", "--seeds", "2", "--json", "--policy", "fcfs")
    assert list(json.loads(over.stdout)["variants"]) == ["fcfs"]


def test_inputs_of_every_variant_and_seed_are_told(folder: Path) -> None:
    Path("mine.py").write_text("from isim.policies.greedy import Greedy\n\n\nclass Mine(Greedy):\n    pass\n")
    found = json.loads(
        compare(
            *GENERATED, "--policy", "greedy", "--policy", "mine.py:Mine", "--seeds", "2", "-o", "cmp", "--json"
        ).stdout
    )
    for number, name in enumerate(found["variants"]):
        for seed in found["seeds"]:
            run = Run.read(Path("cmp") / found["variants"][name]["folder"] / f"seed-{seed}").description
            assert run["inputs"]["profile"] == found["inputs"]["profile"]
            requests = found["inputs"]["requests"][str(seed)]
            assert requests == {key: run["inputs"]["trace"][key] for key in requests}
            assert run["inputs"]["policy"] == found["variants"][name]["inputs"]["policy"]
            assert (found["variants"][name]["inputs"]["policy"] is None) == (number == 0)
    digests = {each["content_sha256"] for each in found["inputs"]["requests"].values()}
    assert len(digests) == 2
    assert "policy" not in found["parameters"]
    assert found["variants"]["greedy"]["parameters"] == {"policy": "greedy"}


def test_the_verdict_is_the_exit_code(folder: Path) -> None:
    slow = [*GENERATED, "--policy", "greedy", "--policy", "static:batch_size=4,max_delay=50ms", "--seeds", "3"]
    ran = compare(*slow, "--fail-if", "minus_baseline_attainment < 0")
    assert ran.exit_code == 3
    assert ran.stderr.splitlines()[-1].startswith("isim: minus_baseline_attainment < 0 (found -0.")
    assert compare(*slow, "--fail-if", "minus_baseline_attainment > 0").exit_code == 0
    assert compare(*slow, "--fail-if", "attainment > 1").exit_code == 0
    unknown = CliRunner().invoke(command, [*slow, "--executor", "processes:1", "--fail-if", "attainmant < 0"])
    assert unknown.exit_code == 2
    assert "no such figure (found 'attainmant')" in unknown.stderr
    assert not unknown.stdout  # told before anything runs


def test_variants_are_not_for_a_single_run(folder: Path) -> None:
    from isim.experiment import Experiment

    Path("e.toml").write_text('trace = "t.csv"\nprofile = "p.parquet"\n[[variant]]\npolicy = "fcfs"\n')
    with pytest.raises(ExperimentError, match=r"e.toml: variant: one run has no variants .* use 'isim compare'"):
        Experiment.from_toml("e.toml")


def test_an_interrupted_comparison_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(
        "import pathlib\nfrom isim.policies.greedy import Greedy\n\n\nclass Mine(Greedy):\n"
        "    def decide(self, view, event):\n"
        "        if pathlib.Path('stop').exists():\n            raise KeyboardInterrupt\n"
        "        return super().decide(view, event)\n"
    )
    arguments = [*GENERATED, "--policy", "fcfs", "--policy", "mine.py:Mine", "--seeds", "3", "-o", "cmp"]
    whole = compare(*arguments[:-1], "whole", "--json").stdout
    Path("stop").touch()
    stopped = compare(*arguments)
    assert stopped.exit_code == 1
    assert "isim: what has finished is kept in cmp.unfinished; the same command goes on from there" in stopped.stderr
    left = [path for path in Path("cmp.unfinished").iterdir() if path.is_dir()]
    assert (len(left), Path("cmp").exists()) == (1, False)
    Path("stop").unlink()
    ran: list[str] = []
    monkeypatch.setattr("isim.comparison.sweep.simulate_files", counted(ran))
    assert compare(*arguments, "--json").stdout == whole
    assert len(ran) == 5
    assert not Path("cmp.unfinished").exists()


def counted(ran: list[str]) -> Any:
    from isim.comparison.sweep import simulate_files

    def call(task: Any) -> dict[str, bytes]:
        ran.append(task[0].policy)
        return simulate_files(task)

    return call


def test_other_inputs_are_not_gone_on_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies there belongs to the profile as it was; a changed one starts anew."""
    from isim.comparison.run_store import RunStore
    from isim.experiment import Experiment

    experiment = Experiment.from_flags(profile="p.parquet", rate_rps=500.0, policy="fcfs")
    name = RunStore(folder).name(experiment)
    assert RunStore(folder).name(experiment) == name
    assert RunStore(folder).name(experiment.model_copy(update={"seed": 1})) != name
    profile_of({("a", 1): [kernel(10**6)]}).write(folder / "p.parquet", force=True)
    assert RunStore(folder).name(experiment) != name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "speed"], "by: no figure to rank by (found 'speed'); choose of attainment"),
        (["--half-width", "attainment"], "half-width: not a target (found 'attainment'); write FIGURE <= NUMBER"),
        (["--half-width", "speed <= 1"], "half-width: no such figure (found 'speed'); choose of attainment"),
        (["--half-width", "attainment <= -1"], "half-width: not a target"),
        (["--policy", "fcfs", "--policy", "gredy", "--policy", "stat"], "policy gredy: unknown"),
    ],
)
def test_bad_flags(folder: Path, arguments: list[str], said: str) -> None:
    with pytest.raises((ExperimentError, PolicyError)) as caught:
        compare(*GENERATED, *arguments, "-o", "cmp")
    assert said in str(caught.value)
    assert sorted(path.name for path in folder.iterdir()) == ["p.parquet", "t.csv"]


@pytest.mark.parametrize("flag", ["concurrency", "contention", "gpus", "rate", "seed", "sharing", "slo"])
def test_braces_in_other_flags_are_refused(folder: Path, flag: str) -> None:
    ran = CliRunner().invoke(command, [f"--{flag}", "x:{1,2}"])
    assert ran.exit_code == 2
    said = " ".join(ran.stderr.replace("│", "").split())
    assert "braces stand for several variants, which only --policy of 'isim compare' and [[variant]] take " in said
    assert "(found 'x:{1,2}'); write one value" in said


def test_bad_executors(folder: Path) -> None:
    from isim.comparison.executor import make_executor

    for spec in ("processes:0", "threads", "dask://nowhere", "dask://a:b"):
        with pytest.raises(ExperimentError, match="executor: no such place to run"):
            make_executor(spec)


def test_replications_go_on_until_intervals_are_narrow(folder: Path) -> None:
    target = ["--half-width", "latency_mean_s <= 8%", "--json"]
    ran = compare(*GENERATED, *POLICIES, "--seeds", "2", *target)
    found = json.loads(ran.stdout)
    count = found["replications"]
    assert count > 2
    assert count % 2 == 0
    for each in found["variants"].values():
        figure = each["total"]["latency_mean_s"]
        assert figure["ci95"][1] - figure["mean"] <= 0.08 * figure["mean"]
    fewer = json.loads(compare(*GENERATED, *POLICIES, "--seeds", str(count - 2), "--json").stdout)
    widths = [each["total"]["latency_mean_s"] for each in fewer["variants"].values()]
    assert any(each["ci95"] is None or each["ci95"][1] - each["mean"] > 0.08 * each["mean"] for each in widths)
    capped = compare(*GENERATED, *POLICIES, "--seeds", "2", "--most-seeds", "3", "--half-width", "attainment <= 1e-9")
    assert "isim: half-width attainment <= 1e-09 was not reached with 3 replications" in capped.stderr


def test_switches_and_regret_are_found_in_real_runs(folder: Path) -> None:
    Path("mine.py").write_text(
        "from isim.policies.dynamic import Dynamic\n\n\nclass Mine(Dynamic):\n"
        '    """Wait, or do not."""\n\n'
        "    def __init__(self, *, wait: bool = True) -> None:\n"
        "        super().__init__(max_batch=2, max_queue_delay_s=0.004 if wait else 0.0)\n"
        "        self.wait = wait\n"
    )
    Path("e.toml").write_text(
        'profile = "p.parquet"\nslo = "8ms"\narrivals = { rate = "300rps", duration = "500ms" }\n'
        '[[variant]]\npolicy = ["mine.py:Mine", "mine.py:Mine:wait=false"]\npredictor = ["mean", "oracle"]\n'
    )
    arguments = ["e.toml", "--seeds", "3", "--by", "latency_mean_s"]
    found = json.loads(compare(*arguments, "--json").stdout)
    on, off = (f"mine.py:Mine{spec}, predictor=oracle" for spec in ("", ":wait=false"))
    assert {(each["name"], each["on"], each["off"]) for each in found["switches"]} == {
        ("policy.wait", on, off),
        ("policy.wait", on.replace("oracle", "mean"), off.replace("oracle", "mean")),
    }
    values = [found["variants"][name]["total"]["latency_mean_s"]["values"] for name in (on, off)]
    worth = next(each for each in found["switches"] if each["on"] == on)
    assert worth["mean"] == pytest.approx(paired_difference(*values).mean)
    assert worth["ci95"][0] > 0  # waiting costs latency
    regret = {each["variant"]: (each["oracle"], each["mean"]) for each in found["regret"]}
    # This policy asks no predictor, so that there is nothing to regret.
    assert regret == {each.replace("oracle", "mean"): (each, 0.0) for each in (on, off)}
    shown = compare(*arguments).stdout
    assert "What switches are worth: mean latency, ms with it on minus with it off" in shown
    assert "Regret: how much worse than with the oracle for predictor, mean latency, ms" in shown


def test_settings_that_no_variant_needs_are_told_once(folder: Path) -> None:
    Path("fit.toml").write_text('schema = "1"\nname = "leftover"\nsharing = "mps"\nmixes = 3\n')
    once = [*GENERATED, "--seeds", "1", "--policy", "greedy"]
    found = compare(*once, "--policy", "fcfs", "--sharing", "streams:launch=5us", "--contention", "fit.toml", "--json")
    assert json.loads(found.stdout)["notes"][1:] == [
        "contention fit.toml: fitted under sharing mps, used under streams; "
        "fit it with 'isim calibrate --sharing streams'",
        "sharing streams:launch=5us: launch has no effect (the policy gates no kernel); leave it out",
    ]
    found = compare(*once, "--policy", "orion:urgent=a", "--sharing", "streams:launch=5us", "--json")
    assert len(json.loads(found.stdout)["notes"]) == 1  # orion needs it, and greedy does not mind
