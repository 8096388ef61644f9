"""Recordings and telemetry as files, and which executions telemetry rejects."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isim.errors import ProfileError
from isim.profiler.colocation import Recording
from isim.profiler.rejection import rejected
from isim.profiler.telemetry import THROTTLING, Sample, Telemetry

FOOTER = {"origin": "measured", "licence": "CC0-1.0"}


def rows(**changes: list[Any]) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "experiment": [0, 0, 0],
        "sharing": ["streams"] * 3,
        "member": [0, 0, 1],
        "model": ["bert", "bert", "mlp"],
        "batch_size": [1, 1, 8],
        "sm_share": [1.0] * 3,
        "stream": [0, 0, 1],
        "start_ns": [0, 300, 50],
        "finish_ns": [300, 500, 450],
        "solo_ns": [200, 200, 100],
        "counted": [False, True, True],
    }
    return pa.table({**columns, **changes})


def test_a_recording_reads_as_it_was_written(tmp_path: Path) -> None:
    recording = Recording.from_table(rows(), FOOTER)
    assert recording.table["slowdown"].to_pylist() == [1.5, 1.0, 4.0]
    for name in ("a.parquet", "b.parquet"):
        recording.write(tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    again = Recording.read(tmp_path / "a.parquet")
    assert again.table.equals(recording.table)
    assert again.footer == recording.footer == {"schema": "1", **FOOTER}
    assert again.digest() == recording.digest()
    with pytest.raises(ProfileError, match="exists already"):
        recording.write(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_ns": [-1, 300, 50]}, "start_ns is negative in 1 row"),
        ({"finish_ns": [300, 300, 450]}, "finish_ns is not after start_ns"),
        ({"batch_size": [0, 0, 8]}, "batch_size is below 1 in 2 rows"),
        ({"sm_share": [1.0, 1.0, 1.5]}, r"sm_share is outside 0..1"),
        ({"solo_ns": [0, 0, 100]}, "solo_ns is not positive"),
        ({"sharing": ["magic"] * 3}, "sharing is not one of"),
        ({"model": ["bert", "bort", "mlp"]}, "model differs within one member"),
        ({"solo_ns": [200, 201, 100]}, "solo_ns differs within one member"),
        ({"slowdown": [1.5, 1.0, 3.0]}, r"slowdown is not \(finish - start\) / solo in 1 row"),
        ({"counted": [True, None, True]}, "column 'counted' is empty in 1 row"),
        ({"modle": [1, 2, 3]}, "column 'modle' is not part of a recording; did you mean 'model'"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        Recording.from_table(rows(**changes), FOOTER)


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(ProfileError) as raised:
        Recording.from_table(rows(start_ns=[-1, 300, 50], batch_size=[0, 0, 8]), {"origin": "guessed"})
    assert len(raised.value.problems) == 3


def test_a_profile_is_no_recording(tmp_path: Path) -> None:
    Telemetry.from_table(pa.table({"time_ns": [1]}), {}).write(tmp_path / "t.parquet")
    with pytest.raises(ProfileError, match="not a co-location recording"):
        Recording.read(tmp_path / "t.parquet")
    assert Telemetry.read(tmp_path / "t.parquet").time_ns.tolist() == [1]


@pytest.mark.parametrize(
    ("column", "message"),
    [({"power_w": [-1.0, 2.0]}, "power_w is negative in 1 row"), ({"time_ns": [None, 1]}, "'time_ns' is empty")],
)
def test_telemetry_is_checked(column: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        Telemetry.from_table(pa.table({"time_ns": [0, 1], **column}), {})


SAMPLES = st.lists(
    st.builds(
        lambda time, clock, reasons: Sample(time, sm_clock_mhz=clock, throttle_reasons=reasons),
        st.integers(0, 1000),
        st.sampled_from([None, 345.0, 1900.0, 1980.0]),
        st.sampled_from([0, 0x1, 0x2, 0x4, 0x8, 0x20, 0x40, 0x80, 0x100, 0x24]),
    ),
    max_size=30,
)


@given(SAMPLES, st.integers(0, 1000), st.integers(1, 300))
def test_rejection_is_what_the_samples_around_an_execution_say(samples: list[Sample], start: int, length: int) -> None:
    telemetry = Telemetry.from_samples(samples)
    finish = start + length
    before = [sample.time_ns for sample in samples if sample.time_ns <= start]
    after = [sample.time_ns for sample in samples if sample.time_ns >= finish]
    # A sample holds until the next: several of one time are one moment, of which the order is not known.
    low, high = max(before, default=-1), min(after, default=2000)
    strictly = [sample for sample in samples if low < sample.time_ns < high]
    at_edges = [sample for sample in samples if sample.time_ns in (low, high)]

    def bad(sample: Sample) -> bool:
        reasons, clock = sample.throttle_reasons or 0, sample.sm_clock_mhz
        slow = clock is not None and clock < 0.97 * 1980.0 and not reasons & 0x1
        return bool(reasons & THROTTLING) or slow

    (verdict,) = rejected(np.array([start]), np.array([finish]), telemetry, 1980.0)
    if any(map(bad, strictly)):
        assert verdict
    if not any(map(bad, strictly + at_edges)):
        assert not verdict
    if len({sample.time_ns for sample in samples}) == len(samples):
        assert verdict == any(map(bad, strictly + at_edges))


def test_without_telemetry_nothing_is_rejected() -> None:
    nothing = Telemetry.from_samples([])
    assert not rejected(np.array([0, 5]), np.array([5, 9]), nothing, float("nan")).any()


def test_what_is_missing_is_a_recording() -> None:
    with pytest.raises(ProfileError) as caught:
        Recording.read("none.parquet")
    assert str(caught.value) == (
        "none.parquet: no such file; write one with 'isim profile --colocate' or 'isim import recording'"
    )
