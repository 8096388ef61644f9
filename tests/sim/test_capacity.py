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
    assert found.rate_rps == pytest.approx(150 * 1000 / 999, rel=1e-6)  # it ends with its last arrival
    (sustained_rps,) = found.sustained_rps["fcfs"]
    assert 1000 / STEP**2 < sustained_rps < 1000 * STEP
    met = {rate_rps: figures[0]["latency_mean_s"] for rate_rps, figures in found.curves["fcfs"].items()}
    assert len(met) >= 4
    for rate_rps, latency_s in met.items():
        assert (latency_s <= 1.01 * DURATION_S) == (rate_rps <= sustained_rps)


def test_what_no_load_breaks_is_an_error(folder: Path) -> None:
    variant = fcfs(arrivals={"rate": "20rps", "duration": "500ms"})
    with pytest.raises(ExperimentError, match=r"attainment >= 0\.9 holds of fcfs at 64 times the load"):
        capacity([variant], Requirement.parse("attainment >= 0.9"), 1)


def test_what_no_load_keeps_counts_as_zero(folder: Path) -> None:
    variant = fcfs(arrivals={"rate": "200rps", "duration": "1s"})
    found = capacity([variant], Requirement.parse("latency_mean_s <= 1e-4"), 1)
    assert found.sustained_rps["fcfs"] == [0.0]
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
