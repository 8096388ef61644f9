"""Real files of nsys and Kineto hold what a direct query of them says, or are refused for what they are."""

import gzip
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from isim.errors import ProfileError
from isim.profiler.importers.combine import combine
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.formats import read_timeline
from isim.profiler.importers.timeline_batch import timeline_batch
from isim.profiler.importers.timeline_recording import (
    Member,
    kernel_overlaps,
    timeline_overlap_share,
    timeline_recording,
)

KINETO = {
    "hta_a100_5streams_rank0": 6080,
    "hta_critical_path_alexnet_benchmark_result_2869224_1695835535_trace": 79,
    "hta_critical_path_cuda_event_sync_multi_stream_event_sync_trace": 3,
    "hta_ns_resolution_V100_rank0": 4350,
    "hta_timeline_analysis_sampled_rank-0": 1154,
    "hta_trace_filter_sampled_rank-1": 1104,
    "hta_triton_example_triton_example": 1,
    "kineto_resnet50_autograd.pt.trace": 9329,
}
OPERATIONS = {"kernel", "gpu_memcpy", "gpu_memset", "memcpy", "memset"}


def share_of_two_streams(operations: Iterable[tuple[Any, Any, Any]]) -> Fraction:
    """Walk the starts and finishes in order of time, with a count of what runs on each stream."""
    edges = sorted(edge for start, finish, stream in operations for edge in ((start, 1, stream), (finish, -1, stream)))
    running, last, busy, several = Counter[Any](), edges[0][0], Fraction(0), Fraction(0)
    for time, change, stream in edges:
        streams = sum(count > 0 for count in running.values())
        busy += (time - last) * (streams >= 1)
        several += (time - last) * (streams >= 2)
        running[stream] += change
        last = time
    return several / busy


def events_of(path: Path) -> list[dict[str, Any]]:
    trace = json.loads(gzip.decompress(path.read_bytes()), parse_float=Fraction)
    return [event for event in trace["traceEvents"] if event.get("ph") == "X"]


@pytest.mark.parametrize(("name", "kernels"), KINETO.items())
def test_kineto_traces_keep_kernels_time_and_overlap(shared_data: Path, name: str, kernels: int) -> None:
    path = shared_data / "profiler-exports" / "kineto" / f"{name}.json.gz"
    timeline = read_timeline(path, "kineto")
    batch = timeline_batch(timeline, "model", 1, Cut.read("whole"))
    profile = combine([batch], backend="kineto", method="")
    events = [event for event in events_of(path) if str(event.get("cat")).lower() in OPERATIONS]
    assert profile.table["kind"].to_pylist().count("kernel") == kernels
    assert len(profile.table) == len(events)
    assert sum(profile.table["duration_ns"].to_pylist()) == sum(event["dur"] for event in events) * 1000
    first, last = min(event["ts"] for event in events), max(event["ts"] + event["dur"] for event in events)
    idle_ns = sum(profile.table["gap_ns"].to_pylist())
    shown = [(event["ts"], event["ts"] + event["dur"], 0) for event in events]
    assert idle_ns == (last - first) * 1000 - busy_us(shown) * 1000
    of_kernels = [
        (event["ts"], event["ts"] + event["dur"], event["args"]["stream"])
        for event in events
        if event["cat"].lower() == "kernel"
    ]
    assert timeline_overlap_share(timeline) == pytest.approx(float(share_of_two_streams(of_kernels)), abs=1e-12)
    if name == "hta_timeline_analysis_sampled_rank-0":
        assert timeline_overlap_share(timeline) == pytest.approx(0.1082, abs=5e-5)


def busy_us(operations: list[tuple[Any, Any, Any]]) -> Any:
    busy, reached = Fraction(0), Fraction(0)
    for start, finish, _ in sorted(operations):
        busy += max(finish - max(start, reached), 0)
        reached = max(reached, finish)
    return busy


def test_five_steps_of_a_v100_are_one_batch(shared_data: Path) -> None:
    path = shared_data / "profiler-exports" / "kineto" / "hta_ns_resolution_V100_rank0.json.gz"
    timeline = read_timeline(path, "kineto")
    step = timeline_batch(timeline, "resnet", 32, Cut.read("range=ProfilerStep#*"), launched_by="any-thread")
    assert (step.facts["executions"], step.facts["executions_that_differ"]) == (5, 0)
    # All operations of the trace are in one of the five steps: 6095 of them.
    assert sum(row["kind"] != "end" for row in step.rows) * 5 == 6095
    assert {row.get("samples") for row in step.rows if row["kind"] != "end"} == {5}
    total_ms = sum(row["duration_ns"] + row["gap_ns"] for row in step.rows) / 1e6
    steps_ms = [event["dur"] / 1000 for event in events_of(path) if event["name"].startswith("ProfilerStep#")]
    assert total_ms == pytest.approx(float(sorted(steps_ms)[2]), rel=0.01)
    assert (timeline.devices[0]["name"], timeline.devices[0]["sms"]) == ("Tesla V100-SXM2-32GB", 80)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hta_amd_trace_mi250_minitoy_train_ROCm6_2_kineto", "found 'AMD Radeon Graphics', warps of 64 threads"),
        (
            "hta_cupti_profiler_benchmark_result_924719_1679055439_trace",
            "no operation of a GPU .*cuda_profiler_range x 77",
        ),
    ],
)
def test_traces_without_profiles_in_them_are_refused(shared_data: Path, name: str, reason: str) -> None:
    with pytest.raises(ProfileError, match=reason):
        read_timeline(shared_data / "profiler-exports" / "kineto" / f"{name}.json.gz", "kineto")


def test_overlapping_streams_become_a_recording(shared_data: Path) -> None:
    path = shared_data / "profiler-exports" / "kineto" / "hta_timeline_analysis_sampled_rank-0.json.gz"
    timeline = read_timeline(path, "kineto")
    members = [Member("compute", 1, Cut.read("stream=7,whole")), Member("exchange", 1, Cut.read("stream=23,whole"))]
    rows = timeline_recording(timeline, members, "streams").table.to_pylist()
    kernels = [event for event in events_of(path) if str(event.get("cat")).lower() in OPERATIONS]
    for row, stream in zip(rows, (7, 23), strict=True):
        own = [event for event in kernels if event["args"]["stream"] == stream]
        length_us = max(event["ts"] + event["dur"] for event in own) - min(event["ts"] for event in own)
        assert (row["experiment"], row["stream"], row["finish_ns"] - row["start_ns"]) == (0, stream, length_us * 1000)
    pairs = kernel_overlaps(timeline)
    spans = [
        (event["ts"], event["ts"] + event["dur"], event["args"]["stream"])
        for event in kernels
        if event["cat"] == "kernel"
    ]
    expected_us = sum(
        max(min(a[1], b[1]) - max(a[0], b[0]), 0) for i, a in enumerate(spans) for b in spans[:i] if a[2] != b[2]
    )
    assert sum(pair.overlap_ns for pair in pairs) == expected_us * 1000
    assert pairs[0].first == "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t"


def test_nsys_keeps_kernels_copies_and_time(shared_data: Path) -> None:
    path = shared_data / "profiler-exports" / "nsys" / "nsightful_power_iteration_baseline_T4.sqlite"
    timeline = read_timeline(path, "nsys")
    batch = timeline_batch(timeline, "power", 1, Cut.read("whole"))
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    ((kernels, kernels_ns),) = database.execute("SELECT count(*), sum(end - start) FROM CUPTI_ACTIVITY_KIND_KERNEL")
    ((copies, copied),) = database.execute("SELECT count(*), sum(bytes) FROM CUPTI_ACTIVITY_KIND_MEMCPY")
    by_kind = {kind: [row for row in batch.rows if row["kind"] == kind] for kind in ("kernel", "memcpy_d2h")}
    assert (len(by_kind["kernel"]), kernels) == (3689, 3689)
    assert sum(row["duration_ns"] for row in by_kind["kernel"]) == kernels_ns
    assert (len(by_kind["memcpy_d2h"]), sum(row["bytes"] for row in by_kind["memcpy_d2h"])) == (copies, copied)
    assert timeline_overlap_share(timeline) == 0  # one stream
    assert (batch.device["name"], batch.device["sms"]) == ("Tesla T4", 40)


def test_nsys_ranges_hold_what_was_launched_in_them(shared_data: Path) -> None:
    path = shared_data / "profiler-exports" / "nsys" / "nsightful_power_iteration_baseline_T4.sqlite"
    batch = timeline_batch(read_timeline(path, "nsys"), "power", 1, Cut.read("range=Compute & Residual*"))
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    counts = database.execute(
        "SELECT count(*) FROM NVTX_EVENTS n JOIN StringIds s ON s.id = n.textId "
        "JOIN CUPTI_ACTIVITY_KIND_RUNTIME r ON r.start >= n.start AND r.start < n.end "
        "JOIN CUPTI_ACTIVITY_KIND_KERNEL k ON k.correlationId = r.correlationId "
        "WHERE s.value LIKE 'Compute & Residual%' GROUP BY n.start"
    ).fetchall()
    assert batch.facts["executions"] == len(counts) == 44
    assert {count for (count,) in counts} == {sum(row["kind"] == "kernel" for row in batch.rows)}


def test_projected_ranges_of_jax(shared_data: Path) -> None:
    folder = shared_data / "profiler-exports" / "nsys_jax"
    timeline = read_timeline(folder / "nvtx_gpu_proj_trace.parquet", "nsys")
    table = pq.read_table(folder / "nvtx_gpu_proj_trace.parquet").to_pylist()
    leaves = [row for row in table if row["Name"] and row["NumChild"] == 0]
    assert len(timeline.operations) == len(leaves) == 13849
    total_ns = sum(one.kernel.finish_ns - one.kernel.start_ns for one in timeline.operations)
    assert total_ns == sum(row["Projected Duration"] for row in leaves)
    step = timeline_batch(
        timeline, "step", 1, Cut.read("range=TSL:XlaModule:#hlo_module=pjit__wrapped_step_fn*"), skip=1
    )
    (step_id, *others) = [
        row["RangeId"] for row in table if str(row["Name"]).startswith("TSL:XlaModule:#hlo_module=pjit__wr")
    ]
    below = [row for row in leaves if f":{step_id:.0f}:" in row["RangeStack"]]
    assert sum(row["kind"] == "kernel" for row in step.rows) == len(below)
    assert step.facts["executions"] == len(others)


@pytest.mark.parametrize("name", ["device-metadata", "thread-metadata"])
def test_tables_without_a_timeline_are_refused(shared_data: Path, name: str) -> None:
    with pytest.raises(ProfileError, match=r"no timeline .* name the report nvtx_gpu_proj_trace"):
        read_timeline(shared_data / "profiler-exports" / "nsys_jax" / f"{name}.parquet", "nsys")
