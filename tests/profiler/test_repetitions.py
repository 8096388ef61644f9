"""Repetitions become medians, their gaps add up, and those that ran something else are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isim.errors import ProfileError
from isim.profiler.device.contract import Kernel, Repetition
from isim.profiler.repetitions import merged, repetition_rows

STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 2)), min_size=1, max_size=8)


@given(steps=STEPS, before=st.integers(0, 20), after=st.integers(0, 20))
def test_gaps_are_the_time_in_which_nothing_runs(steps: list[tuple[int, int, int]], before: int, after: int) -> None:
    kernels = tuple(
        Kernel(f"k{i}", 50 + start, 50 + start + length, stream=s) for i, (start, length, s) in enumerate(steps)
    )
    first, last = min(one.start_ns for one in kernels), max(one.finish_ns for one in kernels)
    rows = repetition_rows(Repetition(first - before, last + after, kernels))
    busy = {time for one in kernels for time in range(one.start_ns, one.finish_ns)}
    assert sum(row["gap_ns"] for row in rows) == (last + after) - (first - before) - len(busy)
    assert [row["name"] for row in rows] == [*(one.name for one in kernels), "end"]
    assert rows[-1]["gap_ns"] == after


def test_medians_and_their_deviation() -> None:
    rows = [
        [{"kind": "kernel", "name": "a", "gap_ns": gap, "duration_ns": time}]
        for gap, time in ((1, 10), (5, 14), (2, 90))
    ]
    (row,) = merged(rows, "m").rows
    assert (row["duration_ns"], row["duration_mad_ns"], row["samples"], row["gap_ns"]) == (14, 4, 3, 2)
    (row,) = merged(rows[:1], "m").rows
    assert (row["samples"], row["duration_mad_ns"]) == (1, None)


def test_repetitions_that_ran_something_else_are_left_out() -> None:
    def ran(*names: str) -> list[dict[str, object]]:
        return [{"kind": "kernel", "name": name, "gap_ns": 0, "duration_ns": 10} for name in names]

    result = merged([ran("a", "autotune"), ran("a"), ran("a")], "m")
    assert ([row["name"] for row in result.rows], result.used, result.rejected) == (["a"], 2, 1)
    with pytest.raises(ProfileError, match=r"m: its 2 repetitions differ \(found 2 sequences"):
        merged([ran("a"), ran("b")], "m")
