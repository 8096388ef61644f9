"""Overlaps, held against counting every nanosecond."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isim.profiler.overlap import concurrency_ns, overlap_share, overlaps, union

OPERATIONS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15), st.integers(0, 3)), max_size=12)


def columns(operations: list[tuple[int, int, int]]) -> list[np.ndarray]:
    return [
        np.array([start for start, _, _ in operations], dtype=np.int64),
        np.array([start + length for start, length, _ in operations], dtype=np.int64),
        np.array([stream for _, _, stream in operations], dtype=np.int64),
    ]


@given(operations=OPERATIONS)
def test_pairs_are_those_that_share_a_nanosecond(operations: list[tuple[int, int, int]]) -> None:
    ran = [set(range(start, start + length)) for start, length, _ in operations]
    expected = {
        frozenset((i, j)): len(ran[i] & ran[j])
        for i in range(len(ran))
        for j in range(i)
        if ran[i] & ran[j] and operations[i][2] != operations[j][2]
    }
    found = overlaps(*columns(operations))
    pairs = [frozenset(pair) for pair in zip(found.first.tolist(), found.second.tolist(), strict=True)]
    assert dict(zip(pairs, found.overlap_ns.tolist(), strict=True)) == expected
    assert len(pairs) == len(expected)
    assert all(operations[a][0] <= operations[b][0] for a, b in zip(found.first, found.second, strict=True))


@given(operations=OPERATIONS)
def test_every_nanosecond_counts_once(operations: list[tuple[int, int, int]]) -> None:
    streams = [{stream for start, length, stream in operations if start <= time < start + length} for time in range(60)]
    busy = [len(one) for one in streams]
    total = concurrency_ns(*columns(operations)).tolist()
    assert total[1:] == [busy.count(number) for number in range(1, max(busy, default=0) + 1)]
    if any(busy):
        first, last = next(i for i, one in enumerate(busy) if one), max(i for i, one in enumerate(busy) if one)
        assert total[0] == busy[first : last + 1].count(0)
    several = sum(one >= 2 for one in busy)
    assert overlap_share(*columns(operations)) == (several / sum(map(bool, busy)) if any(busy) else 0)


@given(operations=OPERATIONS)
def test_a_union_covers_the_same_nanoseconds_once(operations: list[tuple[int, int, int]]) -> None:
    start_ns, finish_ns, _ = columns(operations)
    starts, finishes = union(start_ns, finish_ns)
    covered = [time for start, finish in zip(starts, finishes, strict=True) for time in range(start, finish)]
    assert covered == sorted({time for start, length, _ in operations for time in range(start, start + length)})
    assert (starts[1:] > finishes[:-1]).all()


def test_one_stream_never_overlaps_itself() -> None:
    rounded = np.array([0, 9]), np.array([10, 20]), np.array([7, 7])
    assert overlap_share(*rounded) == 0
    assert len(overlaps(*rounded).first) == 0
