"""Which operations ran at the same time on different streams, and for how long: pure array code.

Operations of one stream run one after another; where their times overlap all the same, a clock was rounded, so time is
counted by streams that are busy.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Overlaps(NamedTuple):
    """Pairs of operations of different streams that ran at the same time, in order of the moment they met."""

    first: Ints
    """Index of the operation that started earlier."""
    second: Ints
    overlap_ns: Ints


def overlaps(start_ns: Ints, finish_ns: Ints, stream: Ints) -> Overlaps:
    """Return every pair of operations of different streams with the time both ran.

    Parameters
    ----------
    start_ns, finish_ns
        Of each operation, on one clock.
    stream
        A number of the stream each ran on; equal numbers are one stream.

    Examples
    --------
    >>> pairs = overlaps(np.array([0, 6, 8]), np.array([10, 9, 12]), np.array([7, 14, 7]))
    >>> [column.tolist() for column in pairs]
    [[0, 1], [1, 2], [3, 1]]
    """
    order = np.lexsort((finish_ns, start_ns))
    start, finish = start_ns[order], finish_ns[order]
    # Those that start before this one finishes: all of them follow it in order of start.
    count = np.maximum(np.searchsorted(start, finish, side="left") - np.arange(len(start)) - 1, 0)
    first = np.repeat(np.arange(len(start)), count)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    overlap_ns = np.minimum(finish[first], finish[second]) - start[second]
    met = (stream[order][first] != stream[order][second]) & (overlap_ns > 0)
    by_meeting = np.lexsort((first[met], start[second[met]]))
    return Overlaps(*(column[met][by_meeting] for column in (order[first], order[second], overlap_ns)))


def concurrency_ns(start_ns: Ints, finish_ns: Ints, stream: Ints) -> Ints:
    """Return for how long exactly 0, 1, 2, ... streams were busy, from the first start to the last finish.

    Examples
    --------
    >>> concurrency_ns(np.array([0, 6, 20]), np.array([10, 9, 25]), np.array([7, 14, 7])).tolist()
    [10, 12, 3]
    """
    starts, finishes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for one in np.unique(stream):
        start, finish = union(start_ns[stream == one], finish_ns[stream == one])
        starts.append(start)
        finishes.append(finish)
    start, finish = np.concatenate(starts), np.concatenate(finishes)
    edges = np.unique(np.concatenate([start, finish]))
    if len(edges) < 2:
        return np.zeros(1, np.int64)
    change = np.zeros(len(edges), np.int64)
    np.add.at(change, np.searchsorted(edges, start), 1)
    np.add.at(change, np.searchsorted(edges, finish), -1)
    busy = np.cumsum(change)[:-1]
    total = np.zeros(busy.max() + 1, np.int64)
    np.add.at(total, busy, np.diff(edges))
    return total


def overlap_share(start_ns: Ints, finish_ns: Ints, stream: Ints) -> float:
    """Return the share of the busy time in which two or more streams were busy, 0..1.

    Examples
    --------
    >>> overlap_share(np.array([0, 6, 20]), np.array([10, 9, 25]), np.array([7, 14, 7]))
    0.2
    """
    busy_ns = concurrency_ns(start_ns, finish_ns, stream)[1:]
    return float(busy_ns[1:].sum() / busy_ns.sum()) if busy_ns.sum() else 0.0


def union(start_ns: Ints, finish_ns: Ints) -> tuple[Ints, Ints]:
    """Return the intervals in which at least one of the operations ran: their starts and finishes, ascending.

    Examples
    --------
    >>> [side.tolist() for side in union(np.array([20, 0, 2, 10]), np.array([25, 10, 5, 12]))]
    [[0, 20], [12, 25]]
    """
    ran = np.flatnonzero(finish_ns > start_ns)
    order = ran[np.argsort(start_ns[ran], kind="stable")]
    start, reached = start_ns[order], np.maximum.accumulate(finish_ns[order])
    opens = np.append(True, start[1:] > reached[:-1])[: len(start)]
    return start[opens], reached[np.append(opens[1:], True)[: len(start)]]
