"""Capacity: against queues whose answer is known, on generated and on recorded requests."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from worlds import kernel, profile_of

from isim.capacity import capacity
from isim.cli.compare import command
from isim.comparison.requirement import Requirement
from isim.comparison.variants import Variant
from isim.errors import ExperimentError
from isim.experiment import Experiment

DURATION_S = 1e-3
STEP = 2 ** (1 / 128)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which holds a profile and a trace at 150 rps."""
    profile_of({("a", 1): [kernel(int(DURATION_S * 1e9))]}).write(tmp_path / "p.parquet")
    rows = [f"{round(k * 1e9 / 150)},a" for k in range(1000)]
    (tmp_path / "t.csv").write_text("\n".join(["arrival_ns,model", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fcfs(**keys: Any) -> Variant:
    return Variant("fcfs", Experiment(profile="p.parquet", policy="fcfs", sharing="exclusive", **keys))


def test_a_queue_sustains_what_theory_says(folder: Path) -> None:
    """M/D/1: the mean latency is D + rho D / (2 (1 - rho)), twice D at rho = 2/3."""
    variant = fcfs(arrivals={"rate": "150rps", "duration": "10s"})
    found = capacity([variant], Requirement.parse(f"latency_mean_s <= {2 * DURATION_S}"), replications=5)
    mean, low, high, _ = found.interval("fcfs")
    assert low is not None and high is not None
    truth_rps = 2 / 3 / DURATION_S
    assert abs(mean - truth_rps) < max(2 * (high - low) / 2, truth_rps * (STEP - 1))
    assert high - low < 0.1 * truth_rps


def test_regular_arrivals_are_sustained_up_to_the_service_rate(folder: Path) -> None:
    found = capacity([fcfs(trace="t.csv")], Requirement.parse(f"latency_mean_s <= {1.01 * DURATION_S}"), 5)
    assert found.seeds == (0,)
    assert found.axis.value(0) == pytest.approx(150 * 1000 / 999, rel=1e-6)  # it ends with its last arrival
    (sustained_rps,) = found.sustained["fcfs"]
    assert 1000 / STEP**2 < sustained_rps < 1000 * STEP
    met = {rate_rps: figures[0]["latency_mean_s"] for rate_rps, figures in found.curves["fcfs"].items()}
    assert len(met) >= 4
    for rate_rps, latency_s in met.items():
        assert (latency_s <= 1.01 * DURATION_S) == (rate_rps <= sustained_rps)


def test_what_no_load_breaks_is_an_error(folder: Path) -> None:
    variant = fcfs(arrivals={"rate": "20rps", "duration": "500ms"})
    with pytest.raises(ExperimentError, match=r"attainment >= 0\.9 holds of fcfs, seed 0, at 64 times the load"):
        capacity([variant], Requirement.parse("attainment >= 0.9"), 1)


def test_what_no_load_keeps_counts_as_zero(folder: Path) -> None:
    variant = fcfs(arrivals={"rate": "200rps", "duration": "1s"})
    found = capacity([variant], Requirement.parse("latency_mean_s <= 1e-4"), 1)
    assert found.sustained["fcfs"] == [0.0]
    assert "fcfs meets latency_mean_s <= 0.0001 at no load at 1 of 1 seeds; 0 rps there" in found.notes


def run(*arguments: str) -> Any:
    flags = ["--profile", "p.parquet", "--rate", "300rps", "--duration", "2s", "--slo", "5ms", "--seeds", "2"]
    options = ["--sharing", "exclusive", "--policy", "fcfs", "--policy", "greedy", "--executor", "processes:1"]
    return CliRunner(catch_exceptions=False).invoke(command, [*flags, *options, *arguments])


def test_the_command_prints_keeps_and_judges(folder: Path) -> None:
    ran = run("--capacity", "attainment >= 0.99", "-o", "cap", "--json", "--fail-if", "capacity_rps < 100")
    found = json.loads(ran.stdout)
    assert (found, ran.exit_code) == (json.loads(Path("cap/compare.json").read_text()), 0)
    assert (found["kind"], found["requirement"], found["rate_rps"]) == ("capacity", "attainment >= 0.99", 300.0)
    for each in found["variants"].values():
        assert len(each["capacity_rps"]["values"]) == 2
        rates = [point["rate_rps"] for point in each["curve"]]
        assert rates == sorted(rates)
    # Of one model and one batch size, greedy has nothing to choose: equals are found equal.
    assert [pair["real"] for pair in found["differences"]] == [False]
    assert sorted(path.name for path in Path("cap").iterdir()) == ["compare.json"]
    failed = run("--capacity", "attainment >= 0.99", "--fail-if", "capacity_rps < 1e6")
    assert failed.exit_code == 3
    assert "Highest load with attainment >= 0.99" in failed.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.99", "capacity: not a requirement (found '0.99'); write FIGURE >= NUMBER"),
        ("attainment >= x", "capacity: not a requirement"),
        (
            "latency_p99_s <= 10ms",
            "(found 'latency_p99_s <= 10ms'); write FIGURE >= NUMBER or FIGURE <= NUMBER, a bare ",
        ),
        ("attainment >= 99%", "such as 'attainment >= 0.99' (0 to 1) or 'latency_p99_s <= 0.01' (seconds)"),
        (
            "attainment >= 2",
            "capacity: a limit that the figure cannot reach (found 'attainment >= 2'); write one from 0 to 1",
        ),
        ("late <= -1", "capacity: a limit that the figure cannot reach (found 'late <= -1'); write one from 0 to inf"),
        ("attainment <= 0.5", "capacity: nothing that more load breaks (found 'attainment <='); write attainment >="),
    ],
)
def test_bad_requirements(folder: Path, text: str, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        run("--capacity", text)
    assert said in str(caught.value)


def test_loads_need_a_rate(folder: Path) -> None:
    with pytest.raises(ExperimentError, match=r"capacity: no load to change \(found clients\)"):
        variant = fcfs(clients={"models": {"a": 2}, "duration": "1s"})
        capacity([variant], Requirement.parse("attainment >= 0.9"))
    assert run("--capacity", "attainment >= 0.9", "--by", "late").exit_code == 2


# The fewest GPUs ---------------------------------------------------------------------------------------------------


def regular(folder: Path, rate_rps: int) -> str:
    rows = [f"{round(k * 1e9 / rate_rps)},a" for k in range(400)]
    (folder / "r.csv").write_text("\n".join(["arrival_ns,model", *rows]) + "\n")
    return "r.csv"


@pytest.mark.parametrize(
    ("gpus", "rate_rps", "most"),
    [(1, 2500, 64), (16, 2500, 64), (1, 900, 64), (2, 4500, 5), ("2xp.parquet", 2500, 3)],
    ids=["doubling", "halving", "one", "to the bound", "of a named profile"],
)
def test_regular_arrivals_need_as_many_gpus_as_they_keep_busy(
    folder: Path, gpus: int | str, rate_rps: int, most: int
) -> None:
    """In turns of n GPUs, each gets one every n / rate: the last has finished if that is at least its duration."""
    fewest = -(-rate_rps // 1000)
    variant = fcfs(trace=regular(folder, rate_rps), gpus=gpus, router="round-robin")
    found = capacity([variant], Requirement.parse(f"latency_mean_s <= {1.001 * DURATION_S}"), 3, most_gpus=most)
    assert (found.seeds, found.sustained["fcfs"]) == ((0,), [fewest])
    met = {count: of[0]["latency_mean_s"] <= 1.001 * DURATION_S for count, of in found.curves["fcfs"].items()}
    assert fewest in met
    assert met == {count: count >= fewest for count in met}
    assert found.descriptions["fcfs"]["parameters"]["gpus"] == f"1 to {most}"


def test_a_random_split_needs_what_theory_says(folder: Path) -> None:
    """Each of n GPUs is M/D/1: the mean latency is at most twice the duration up to rho = 2/3, 2300 rps over 3.45."""
    arrivals = {"rate": "2300rps", "duration": "2s"}
    variants = [
        Variant(router, fcfs(arrivals=arrivals, router=router).experiment)
        for router in ("power-of-two:choices=1", "join-shortest-queue")
    ]
    found = capacity(variants, Requirement.parse(f"latency_mean_s <= {2 * DURATION_S}"), 2, most_gpus=64)
    assert found.sustained["power-of-two:choices=1"] == [4.0] * 2
    assert found.sustained["join-shortest-queue"] == [3.0] * 2  # M/D/3 waits less than a random split to three
    assert [ranked.variant for ranked in found.ranking()] == ["join-shortest-queue", "power-of-two:choices=1"]


def test_clients_have_no_load_but_may_have_gpus(folder: Path) -> None:
    """Eight that wait for each other on one GPU take eight times as long; on four, twice."""
    clients = {"models": {"a": 8}, "requests_per_client": 50}
    found = capacity([fcfs(clients=clients)], Requirement.parse(f"latency_mean_s <= {2.1 * DURATION_S}"), most_gpus=9)
    assert found.sustained["fcfs"] == [4.0]


def test_a_load_that_no_number_sustains_is_an_error(folder: Path) -> None:
    variant = fcfs(trace=regular(folder, 4500), router="round-robin")
    with pytest.raises(ExperimentError) as caught:
        capacity([variant], Requirement.parse(f"latency_mean_s <= {1.001 * DURATION_S}"), most_gpus=4)
    assert caught.value.problems == (
        "capacity: latency_mean_s <= 0.001001 does not hold of fcfs, seed 0, on any number of GPUs up to 4; lower the "
        "rate, or allow more with --most-gpus",
    )


def test_gpus_that_cannot_be_searched(folder: Path) -> None:
    requirement = Requirement.parse("attainment >= 0.9")
    arrivals = {"rate": "20rps", "duration": "1s", "models": {"resnet50": 1}}
    mixed = Variant("mixed", Experiment(gpus="2xanalytic:L4,analytic:T4", arrivals=arrivals))
    with pytest.raises(ExperimentError, match=r"GPUs of several profiles \(found analytic:L4, analytic:T4 of mixed\)"):
        capacity([mixed], requirement, most_gpus=8)
    two = [fcfs(gpus=count, arrivals={"rate": "20rps"})._replace(name=str(count)) for count in (1, 4)]
    with pytest.raises(
        ExperimentError, match=r"variants with different numbers of GPUs \(found 1, 4\); leave gpus out"
    ):
        capacity(two, requirement, most_gpus=8)


def test_the_command_finds_the_fewest_gpus(folder: Path) -> None:
    flags = ("--rate", "1500rps", "--capacity", "attainment >= 0.95", "--over", "gpus")
    ran = run(*flags, "-o", "few", "--json", "--fail-if", "fewest_gpus > 2")
    found = json.loads(ran.stdout)
    assert (found, ran.exit_code) == (json.loads(Path("few/compare.json").read_text()), 0)
    assert (found["kind"], found["over"], "rate_rps" in found) == ("capacity", "gpus", False)
    for each in found["variants"].values():
        assert each["fewest_gpus"]["values"] == [2.0, 2.0]
        assert [point["gpus"] for point in each["curve"]] == [1, 2, 3, 4]
    assert run(*flags, "--fail-if", "fewest_gpus > 1").exit_code == 3
    shown = run(*flags, "--most-gpus", "2").stdout
    assert "Fewest GPUs with attainment >= 0.95" in shown
    assert "SLO attainment by number of GPUs" in shown


@pytest.mark.parametrize(
    "wrong",
    [["--over", "gpus"], ["--capacity", "late <= 0.1", "--most-gpus", "3"], ["--most-gpus", "3"]],
    ids=["over nothing", "most of a load", "most of nothing"],
)
def test_flags_that_go_together(folder: Path, wrong: list[str]) -> None:
    assert run(*wrong).exit_code == 2
