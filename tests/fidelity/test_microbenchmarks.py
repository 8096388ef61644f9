"""The contention model `block-scheduler` against kernels that use one resource each; nothing is fitted to them."""

from pathlib import Path

import pytest
from ablations import ABLATIONS, Whole
from microbenchmarks import SLOWED, WITHIN, Case, cases, replayed

from isim.contention.block_scheduler import BlockScheduler


@pytest.fixture(scope="module")
def benchmarks(shared_data: Path) -> list[Case]:
    return cases(shared_data)


def test_right_sign_and_size_everywhere(benchmarks: list[Case]) -> None:
    assert len(benchmarks) == 20
    outcomes = [replayed(case, BlockScheduler()) for case in benchmarks]
    assert [outcome.case.what for outcome in outcomes if not outcome.right_sign] == []
    assert {outcome.case.what: outcome.error for outcome in outcomes if outcome.error > WITHIN} == {}


def test_the_benchmarks_tell_what_slows_from_what_does_not(benchmarks: list[Case]) -> None:
    """Half of them would pass if everything, or nothing, slowed."""
    slowed = [max(replayed(case, BlockScheduler()).measured) >= SLOWED for case in benchmarks]
    assert sum(slowed) >= 10
    assert len(slowed) - sum(slowed) >= 5


def wrong(ablation: type[Whole], benchmarks: list[Case]) -> list[str]:
    outcomes = [replayed(case, ablation()) for case in benchmarks]
    return [each.case.what for each in outcomes if not each.right_sign or each.error > WITHIN]


def test_each_term_is_needed_by_a_benchmark(benchmarks: list[Case]) -> None:
    found = {ablation.__name__: wrong(ablation, benchmarks) for ablation in ABLATIONS}
    assert found["Whole"] == []
    assert found["WithoutHold"] == ["sleep beside sleep, full grids"]
    assert "sleep beside sleep, half grids" in found["WithoutGrids"]
    assert "multiply-adds beside multiply-adds, 2 chains" in found["WithoutIssueSlots"]
    assert {"DRAM copy beside DRAM copy, 80 blocks", "L2 copy beside L2 copy, 2 MB"} <= set(found["WithoutMemory"])
    assert found["ProportionalMemory"] == ["copy beside copy, half grids"]
