"""Timelines of nsys and Kineto: what is one batch, what belongs to it, and what is refused."""

import gzip
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isim.errors import ProfileError
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.combine import combine
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.kineto import read_kineto
from isim.profiler.importers.nsys import read_nsys
from isim.profiler.importers.timeline import Timeline
from isim.profiler.importers.timeline_batch import timeline_batch

Export = Callable[..., Path]
TWICE = [("gemm", 100, 150), ("add", 160, 170), ("gemm", 300, 354), ("add", 362, 370)]


def batch(timeline: Timeline, cut: str, **said: Any) -> ImportedBatch:
    made = timeline_batch(timeline, "bert", 8, Cut.read(cut), **said)
    assert combine([made], backend="test", method="test").batch_sizes("bert") == (8,)
    return made


def times(made: ImportedBatch) -> list[tuple[str, int, int]]:
    return [(row["name"], row["gap_ns"], row["duration_ns"]) for row in made.rows]


def test_the_whole_file_is_one_batch(nsys_export: Export) -> None:
    made = batch(read_nsys(nsys_export(TWICE)), "whole")
    assert times(made) == [("gemm", 0, 50), ("add", 10, 10), ("gemm", 130, 54), ("add", 8, 8)]
    assert made.rows[0] | {"grid": 8, "block": 128, "registers": 32, "shared_memory_bytes": 128} == made.rows[0]
    assert made.rows[0]["samples"] == 1


@pytest.mark.parametrize("cut", ["kernel=gemm", "kernel=g*m", "repeats=2"])
def test_repetitions_by_what_runs_again(nsys_export: Export, cut: str) -> None:
    made = batch(read_nsys(nsys_export(TWICE)), cut)
    assert times(made) == [("gemm", 0, 52), ("add", 9, 9)]
    assert [(row["samples"], row["duration_mad_ns"]) for row in made.rows] == [(2, 2), (2, 1)]
    assert "the time between batches (median 0.1 us) is in no batch" in made.notes[-1]


def test_ranges_keep_the_idle_time_around_the_operations(nsys_export: Export) -> None:
    ranges = [("infer", 85, 180), ("infer", 280, 390), ("other", 0, 500)]
    made = batch(read_nsys(nsys_export(TWICE, ranges)), "range=infer")
    assert times(made) == [("gemm", 18, 52), ("add", 9, 9), ("end", 15, 0)]


def test_a_range_that_opens_while_the_gpu_works_waits_for_it(nsys_export: Export) -> None:
    operations = [("other", 100, 260), ("gemm", 270, 300), ("other", 310, 320)]
    # The launch of gemm, 10 ns before it starts, is the only one within the range.
    made = batch(read_nsys(nsys_export(operations, [("infer", 250, 290)])), "range=infer")
    assert times(made) == [("gemm", 10, 30)]


def test_ranges_in_ranges_of_the_same_name_are_one(nsys_export: Export) -> None:
    nested = [("infer", 85, 180), ("infer", 155, 165), ("infer", 285, 380)]
    made = batch(read_nsys(nsys_export(TWICE, nested)), "range=infer")
    assert made.facts["executions"] == 2


def test_the_warm_up_is_skipped(nsys_export: Export) -> None:
    made = batch(read_nsys(nsys_export(TWICE)), "repeats=2", skip=1)
    assert times(made) == [("gemm", 0, 54), ("add", 8, 8)]
    with pytest.raises(ProfileError, match="all of them skipped"):
        batch(read_nsys(nsys_export(TWICE, name="b.sqlite")), "repeats=2", skip=2)


def test_executions_beside_other_kernels_are_no_solo_measurement(kineto_trace: Export) -> None:
    events = [{"ts": start, "dur": 10} for start in (100, 200, 300)]
    other = {"ts": 205, "dur": 1, "name": "other", "args": {"stream": 9}}
    made = batch(read_kineto(kineto_trace([*events, other])), "stream=7,kernel=gemm")
    assert (made.facts["executions"], made.facts["executions_beside_others"], made.rows[0]["samples"]) == (3, 1, 2)
    with pytest.raises(ProfileError, match="other kernels ran beside each of its 1 executions"):
        batch(read_kineto(kineto_trace([*events, other])), "stream=9,whole")


def test_overlap_within_a_batch_is_said(kineto_trace: Export) -> None:
    events = [{"ts": 100, "dur": 30}, {"ts": 120, "dur": 20, "name": "add", "args": {"stream": 9}}]
    made = batch(read_kineto(kineto_trace(events)), "whole")
    assert made.facts["overlap_share"] == 0.25
    assert "several of its streams are busy in 25.0% of its busy time" in made.notes[-1]


def test_times_keep_every_digit(kineto_trace: Export) -> None:
    # In a float of 64 bits the first of these is ...582.944 us.
    path = kineto_trace([{"ts": 0.5, "dur": 4.928}])
    text = gzip.decompress(path.read_bytes()).replace(b'"ts": 0.5', b'"ts": 1712195495505582.988')
    path.write_bytes(gzip.compress(text))
    (one,) = read_kineto(path).operations
    assert (one.kernel.start_ns, one.kernel.finish_ns) == (1712195495505582988, 1712195495505587916)


def test_launches_of_other_threads_need_a_word(kineto_trace: Export) -> None:
    host = [
        {"ph": "X", "cat": "user_annotation", "name": "step", "pid": 1, "tid": 1, "ts": 90, "dur": 100},
        *(
            {"ph": "X", "cat": "cuda_runtime", "name": "launch", "pid": 1, "tid": tid, "ts": 95, "dur": 1,
             "args": {"correlation": tid - 1}}
            for tid in (1, 2)
        ),
    ]  # fmt: skip
    events = [{"ts": 100, "dur": 10}, {"ts": 120, "dur": 10, "name": "add"}]
    timeline = read_kineto(kineto_trace(events, host))
    with pytest.raises(ProfileError, match="other threads launched 1 operations while a range 'step' was open"):
        batch(timeline, "range=step")
    assert [row["name"] for row in batch(timeline, "range=step", launched_by="any-thread").rows] == [
        "gemm",
        "add",
        "end",
    ]
    alone = batch(timeline, "range=step", launched_by="range-thread")
    assert times(alone) == [("gemm", 10_000, 10_000), ("end", 10_000, 0)]


def test_what_another_process_launched_is_in_no_range(nsys_export: Export) -> None:
    path = nsys_export(TWICE, [("infer", 85, 380)])
    with sqlite3.connect(path) as database:
        other = 78 << 24
        database.execute(f"UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET globalPid = {other}, streamId = 9 WHERE start >= 300")
        database.execute(f"UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET globalTid = {other + 5} WHERE start >= 290")
    assert times(batch(read_nsys(path), "range=infer")) == [("gemm", 15, 50), ("add", 10, 10), ("end", 130, 0)]
    assert times(batch(read_nsys(path), "process=78,whole")) == [("gemm", 0, 54), ("add", 8, 8)]


def test_lost_and_rounded_records_are_counted(kineto_trace: Export) -> None:
    timeline = read_kineto(kineto_trace([{"ts": 0, "dur": 0}, {"ts": 100, "dur": 0}, {"ts": 120, "dur": 5}]))
    assert "1 operations stand at time 0 and were left out" in timeline.notes[0]
    made = batch(timeline, "whole")
    assert [row["duration_ns"] for row in made.rows] == [0, 5000]
    assert "1 operations are shorter than the file's clock step of 1000 ns" in made.notes[-1]


def test_streams_as_text_and_old_categories(kineto_trace: Export) -> None:
    copy = {"cat": "Memcpy", "name": "Memcpy HtoD (Pinned -> Device)", "args": {"stream": "7", "bytes": 4096}}
    fill = {"cat": "Memset", "name": "Memset (Device)", "args": {"stream": "7"}}
    events = [{"ts": 90, "dur": 5, **copy}, {"ts": 100, "dur": 5, "cat": "Kernel"}, {"ts": 110, "dur": 5, **fill}]
    made = batch(read_kineto(kineto_trace(events)), "whole")
    assert [row["kind"] for row in made.rows] == ["memcpy_h2d", "kernel", "memset"]
    assert made.rows[0]["bytes"] == 4096


def test_facts_of_the_gpu_come_along(kineto_trace: Export) -> None:
    device = {"id": 0, "name": "Tesla T4", "numSms": 40, "warpSize": 32}
    made = batch(read_kineto(kineto_trace([{"ts": 100, "dur": 5}], deviceProperties=[device])), "whole")
    assert (made.device["name"], made.rows[0]["sm_needed"]) == ("Tesla T4", 8 / 40)


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ("range=nope", r"no range is called 'nope' \(has: 'infer' x 1\)"),
        ("kernel=nope", r"no kernel is called 'nope' \(has: gemm, add\)"),
        ("repeats=3", "4 operations are not 3 equal sequences"),
        ("repeats=4", "sequence 2 of 4 differs from the one before it"),
        ("stream=8,whole", r"no operation in stream=8,whole \(has: stream=7 of process=77\)"),
        ("process=1,whole", "no operation in process=1,whole"),
        ("range=late", "no range is called 'late'"),
    ],
)
def test_cuts_that_give_nothing(nsys_export: Export, cut: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        batch(read_nsys(nsys_export(TWICE, [("infer", 80, 180)])), cut)


@pytest.mark.parametrize("text", ["", "hole", "range=", "repeats=0", "repeats=x", "stream=x,whole", "whole,stream=7"])
def test_cuts_that_are_none(text: str) -> None:
    with pytest.raises(ProfileError, match="not a way to cut a file into batches"):
        Cut.read(text)


@pytest.mark.parametrize("text", ["whole", "range=a=b,c", "stream=7,process=9,kernel=x*", "repeats=12"])
def test_cuts_read_back_as_they_are_written(text: str) -> None:
    assert str(Cut.read(text)) == text


def test_several_gpus_need_a_number(kineto_trace: Export) -> None:
    events = [{"ts": 100, "dur": 5}, {"ts": 100, "dur": 7, "args": {"device": 1}}]
    timeline = read_kineto(kineto_trace(events))
    with pytest.raises(ProfileError, match=r"operations of several GPUs \(found 0 with 1 operations, 1 with 1"):
        batch(timeline, "whole")
    assert times(batch(timeline, "whole", gpu=1)) == [("gemm", 0, 7000)]
    with pytest.raises(ProfileError, match="no operation of GPU 2"):
        batch(timeline, "whole", gpu=2)
