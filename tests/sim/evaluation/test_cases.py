"""Batches as a predictor meets them, worked out by hand: who was there at dispatch, who came, for how long."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from worlds import kernel, profile_of

from isim.errors import IsimError, ProfileError, RunError
from isim.evaluation.cases import Case
from isim.evaluation.recording_cases import recording_cases
from isim.evaluation.run_cases import run_cases
from isim.experiment import Experiment
from isim.policies.predictors.predictor import Stay
from isim.profiler.colocation import Recording
from isim.profiler.profile import Profile
from isim.traces.trace import Trace

PROFILE = profile_of({("a", 1): [kernel(10_000_000)], ("b", 1): [kernel(4_000_000)]})
MS = 1e-3


def described(case: Case) -> tuple[Any, ...]:
    """Return a case with names in place of members and times in ms."""
    target, duration_s, stays, solo_s = case.observation
    return (
        target.model,
        round(duration_s / MS, 6),
        round(solo_s / MS, 6),
        [(round(stay.duration_s / MS, 6), [member.model for member in stay.co_runners]) for stay in stays],
        [(co.member.model, round(co.elapsed_s / MS, 6)) for co in case.co_runners],
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run: a at 0 takes 10 ms alone, b at 2 ms takes 4; side by side both run at half speed."""
    monkeypatch.chdir(tmp_path)
    PROFILE.write("p.parquet")
    Trace.from_columns(arrival_ns=[0, 2_000_000], model=["a", "b"]).write("t.parquet")
    Experiment(profile="p.parquet", trace="t.parquet", policy="fcfs", contention="fair").run("out")
    return tmp_path


def test_a_run(folder: Path) -> None:
    from isim.run import Run

    cases, _ = run_cases(Run.read("out"))
    assert cases.origin == "analytic"
    # b runs from 2 to 10 ms; a has 4 of its 10 ms left then and ends at 14.
    assert [described(case) for case in cases.cases] == [
        ("b", 8.0, 4.0, [(8.0, ["a"])], [("a", 2.0)]),
        ("a", 14.0, 10.0, [(2.0, []), (8.0, ["b"]), (4.0, [])], []),
    ]
    member = cases.cases[0].observation.target
    assert member.features == {"sm": 1.0, "memory": 0.0}
    assert member.kernels is not None
    assert list(member.kernels.duration_s) == [4 * MS]
    assert cases.cases[0].observation.stays[0].co_runners[0] is cases.cases[1].observation.target  # made once


def test_a_run_whose_profile_has_changed(folder: Path) -> None:
    from isim.run import Run

    other = profile_of({("a", 1): [kernel(9_000_000)], ("b", 1): [kernel(4_000_000)]})
    other.write("p.parquet", force=True)
    with pytest.raises(RunError, match=r"p\.parquet: not the profile that out was simulated with"):
        run_cases(Run.read("out"))
    PROFILE.write("moved.parquet")
    assert len(run_cases(Run.read("out"), "moved.parquet")[0].cases) == 2


def test_noise_is_not_known_to_a_predictor(folder: Path) -> None:
    noisy = profile_of({("a", 1): [kernel(10_000_000, duration_mad_ns=500_000, sm=1.0, memory=0.0)]})
    noisy.write("n.parquet")
    Trace.from_columns(arrival_ns=[0], model=["a"]).write("one.parquet")
    run = Experiment(profile="n.parquet", trace="one.parquet", policy="fcfs", noise=True, seed=1).run("noisy")
    (case,) = run_cases(run)[0].cases
    batch = run.table("batches").to_pylist()[0]
    assert case.observation.solo_s == 0.01 != batch["solo_s"]
    assert case.observation.duration_s == pytest.approx(batch["finished_s"] - batch["dispatched_s"], rel=1e-12)


def recording(rows: list[dict[str, Any]]) -> Recording:
    defaults = {"sharing": "streams", "batch_size": 1, "sm_share": 1.0, "start_ns": 0, "counted": True}
    rows = [{**defaults, **row} for row in rows]
    return Recording.from_table(pa.Table.from_pylist(rows), {"origin": "measured"})


def test_executions_of_a_recording() -> None:
    ms = 1_000_000
    measured = recording(
        [
            {"experiment": 0, "member": 0, "model": "a", "finish_ns": 12 * ms, "solo_ns": 10 * ms},
            {"experiment": 0, "member": 0, "model": "a", "start_ns": 12 * ms, "finish_ns": 24 * ms, "solo_ns": 10 * ms},
            {"experiment": 0, "member": 1, "model": "b", "start_ns": 2 * ms, "finish_ns": 8 * ms, "solo_ns": 4 * ms},
            {
                "experiment": 0, "member": 1, "model": "b", "start_ns": 9 * ms, "finish_ns": 15 * ms,
                "solo_ns": 4 * ms, "counted": False,
            },
            {"experiment": 1, "member": 0, "model": "a", "finish_ns": 10 * ms, "solo_ns": 10 * ms},
        ]
    )  # fmt: skip
    cases = recording_cases(measured, PROFILE, None, "c.parquet")
    assert [described(case) for case in cases.cases] == [
        ("b", 6.0, 4.0, [(6.0, ["a"])], [("a", 2.0)]),
        ("a", 12.0, 10.0, [(2.0, []), (6.0, ["b"]), (1.0, []), (3.0, ["b"])], []),
        ("a", 12.0, 10.0, [(3.0, ["b"]), (9.0, [])], [("b", 3.0)]),
    ]
    assert cases.notes == ["1 executions not asked about: no measurement of their own slowdown"]
    assert {case.mix for case in cases.cases} == {"a@1 + b@1"}


def test_means_of_a_recording_at_shares() -> None:
    half = PROFILE.table.to_pylist()
    for row in half:
        row["sm_share"], row["sm"] = 0.5, 0.6
    profile = Profile.from_table(pa.Table.from_pylist(PROFILE.table.to_pylist() + half), {"origin": "measured"})
    member = {"experiment": 0, "sharing": "mps", "statistic": "mean"}
    measured = recording(
        [
            {**member, "member": 0, "model": "a", "sm_share": 0.5, "finish_ns": 30, "solo_ns": 20},
            {**member, "member": 1, "model": "b", "sm_share": 0.25, "finish_ns": 9, "solo_ns": 6},
        ]
    )
    cases = recording_cases(measured, profile, "mps", "c.parquet")
    first, second = (case.observation for case in cases.cases)
    assert (first.target.model, first.slowdown, first.stays) == ("b", 1.5, (Stay(9e-9, (second.target,)),))
    assert second.target.features == {"sm": 0.6, "memory": 0.0}  # profiled at this share
    assert first.target.features == {"sm": 1.0, "memory": 0.0}  # not profiled at a quarter: taken at the whole GPU
    assert first.target.solo_s == pytest.approx(6e-9)


def test_without_a_profile_members_have_no_features() -> None:
    member = {"experiment": 0, "statistic": "mean"}
    measured = recording(
        [
            {**member, "member": 0, "model": "x", "finish_ns": 30, "solo_ns": 20},
            {**member, "member": 1, "model": "y", "finish_ns": 9, "solo_ns": 6},
        ]
    )
    cases = recording_cases(measured, None, None, "c.parquet")
    assert [case.observation.target.features for case in cases.cases] == [{}, {}]
    with pytest.raises(ProfileError, match=r"1 experiments left out: a member that the profile does not hold"):
        recording_cases(measured, PROFILE, None, "c.parquet")


def test_sharing_modes_are_not_pooled() -> None:
    rows = [
        {"experiment": i, "statistic": "mean", "sharing": mode, "member": place, "model": "a", "finish_ns": 30,
         "solo_ns": 20}
        for i, mode in enumerate(("mps", "time-slicing")) for place in (0, 1)
    ]  # fmt: skip
    both = recording(rows)
    with pytest.raises(ProfileError, match=r"several sharing modes \(found mps, time-slicing\); choose one"):
        recording_cases(both, None, None, "c.parquet")
    assert len(recording_cases(both, None, "mps", "c.parquet").cases) == 2
    with pytest.raises(IsimError, match=r"no mix under sharing 'streams' .*; choose --sharing mps or time-slicing$"):
        recording_cases(both, None, "streams", "c.parquet")
    solo = recording([{**rows[0], "member": 0}])
    with pytest.raises(IsimError, match=r"found solo measurements only\); record mixes$"):
        recording_cases(solo, None, "streams", "c.parquet")
