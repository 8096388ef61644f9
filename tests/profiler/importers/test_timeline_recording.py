"""Executions side by side in one timeline: which were alone, which count, and how much slower they were."""

from collections.abc import Callable
from pathlib import Path

import pytest

from isim.errors import ProfileError
from isim.profiler.colocation import Recording
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.kineto import read_kineto
from isim.profiler.importers.timeline import Timeline
from isim.profiler.importers.timeline_recording import Member, kernel_overlaps, timeline_recording

A, B = Member("a", 1, Cut.read("stream=7,kernel=gemm")), Member("b", 4, Cut.read("stream=9,kernel=conv"))


@pytest.fixture
def side_by_side(kineto_trace: Callable[..., Path]) -> Timeline:
    """A model with 10 us alone and 15 us beside another; the other with 40 us, never alone. Times in us."""
    a = [(0, 10), (20, 30), (100, 115), (115, 130), (130, 145)]
    b = [(95, 135), (135, 175)]
    return read_kineto(
        kineto_trace(
            [{"name": "gemm", "ts": start + 1, "dur": finish - start} for start, finish in a]
            + [{"name": "conv", "ts": start + 1, "dur": finish - start, "args": {"stream": 9}} for start, finish in b]
        )
    )


def test_executions_beside_others_are_held_against_those_alone(side_by_side: Timeline) -> None:
    recording = timeline_recording(side_by_side, [A, B], "streams", licence="MIT")
    rows = recording.table.to_pylist()
    together = [row for row in rows if row["experiment"] == 0]
    assert [(row["member"], row["start_ns"], row["finish_ns"], row["counted"]) for row in together] == [
        (0, 5_000, 20_000, True),
        (0, 20_000, 35_000, True),
        (0, 35_000, 50_000, True),
        (1, 0, 40_000, False),  # began before the other did
        (1, 40_000, 80_000, False),  # went on after it
    ]
    assert [row["slowdown"] for row in together] == [1.5, 1.5, 1.5, None, None]
    alone = [row for row in rows if row["experiment"] == 1]
    assert [(row["model"], row["start_ns"], row["finish_ns"], row["slowdown"]) for row in alone] == [
        ("a", 0, 10_000, 1.0),
        ("a", 20_000, 30_000, 1.0),
    ]
    assert len(rows) == 7
    assert {row["stream"] for row in rows if row["model"] == "b"} == {9}
    assert recording.footer["members"] == {"a@1": "stream=7,kernel=gemm", "b@4": "stream=9,kernel=conv"}
    # of 20 + 80 busy us, 45 with both streams
    assert recording.footer["overlap_share"] == 0.45


def test_a_recording_of_a_timeline_reads_back(side_by_side: Timeline, tmp_path: Path) -> None:
    recording = timeline_recording(side_by_side, [A, B], "streams")
    recording.write(tmp_path / "c.parquet")
    assert Recording.read(tmp_path / "c.parquet").digest() == recording.digest()


def test_which_kernels_overlap_and_for_how_long(side_by_side: Timeline) -> None:
    assert kernel_overlaps(side_by_side) == [("conv", "gemm", 4, 45_000)]


def test_members_that_never_meet_are_no_co_location(kineto_trace: Callable[..., Path]) -> None:
    events = [{"name": "gemm", "ts": 1, "dur": 5}, {"name": "conv", "ts": 6, "dur": 5, "args": {"stream": 9}}]
    timeline = read_kineto(kineto_trace(events))
    with pytest.raises(ProfileError, match="no two members ever ran at the same time"):
        timeline_recording(timeline, [A, B], "streams")
    with pytest.raises(ProfileError, match="1 members ran side by side; state at least two"):
        timeline_recording(timeline, [A], "streams")
