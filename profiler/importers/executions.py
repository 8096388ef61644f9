"""Cut a timeline into executions of a batch: which operations belong to each, and from when to when it ran."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from isim.errors import ProfileError
from isim.profiler.device.contract import Repetition
from isim.profiler.importers.cut import Cut, cut_sequence, wildcard
from isim.profiler.importers.timeline import Launched, Range, Timeline, times_ns

LAUNCHED_BY = ("range-thread", "any-thread")


class Executions(NamedTuple):
    """The executions of a batch in order of time, and for each whether a kernel that is not its own ran beside it."""

    repetitions: tuple[Repetition, ...]
    accompanied: tuple[bool, ...]


def executions(
    timeline: Timeline, cut: Cut, *, skip: int = 0, gpu: int | None = None, launched_by: str | None = None
) -> Executions:
    """Return the executions of a batch.

    An execution cut by `range` lasts from its first operation to its last, and includes the time of the range before
    and after them in which the GPU did nothing at all. Any other lasts from its first operation to its last: whether
    the time between two of them belongs to the batch, the file does not say.

    Parameters
    ----------
    skip
        Leave out this many executions at the beginning: the warm-up.
    gpu
        Number of the GPU; needed if the file holds several.
    launched_by
        `range-thread`: a range holds what its own thread launched within it; `any-thread`: what any thread of the
        process launched meanwhile. Needed where the two differ.

    Raises
    ------
    ProfileError
        There are several GPUs, no such range, stream or kernel, or nothing is left.

    Examples
    --------
    >>> from isim.profiler.device.contract import Kernel
    >>> ran = tuple(Launched(Kernel(name, at, at + 5)) for name, at in (("a", 0), ("b", 6), ("a", 20), ("b", 26)))
    >>> found = executions(Timeline("t.json", ran, (), {}, {}), Cut.read("kernel=a"))
    >>> [(one.start_ns, one.finish_ns, len(one.kernels)) for one in found.repetitions], found.accompanied
    ([(0, 11, 2), (20, 31, 2)], (False, False))
    """
    number = _gpu(timeline, gpu)
    everything = [one for one in timeline.operations if one.gpu == number]
    own = [one for one in everything if _chosen(one, cut)]
    if not own:
        streams = Counter(f"stream={one.kernel.stream} of process={one.process}" for one in everything)
        few = ", ".join(name for name, _ in streams.most_common(8))
        raise ProfileError(f"{timeline.where}: no operation in {cut} (has: {few}); correct stream= or process=")
    if cut.how == "range":
        parts, bounds = _by_range(timeline, cut, own, launched_by)
    else:
        names = [one.kernel.name for one in own]
        same = [(one.kernel.kind, one.kernel.name, one.kernel.grid, one.kernel.block) for one in own]
        parts = [own[part] for part in cut_sequence(cut, names, same, timeline.where)]
        bounds = [None] * len(parts)
    if len(parts) <= skip:
        raise ProfileError(f"{timeline.where}: {cut} gives {len(parts)} batches, all of them skipped; skip fewer")
    repetitions = _bounded(parts, bounds, everything)
    alone = _alone(parts, everything, timeline.resolution_ns)
    return Executions(tuple(repetitions[skip:]), tuple(not one for one in alone[skip:]))


def _chosen(one: Launched, cut: Cut) -> bool:
    return cut.stream in (None, one.kernel.stream) and cut.process in (None, one.process)


def _gpu(timeline: Timeline, gpu: int | None) -> int:
    counts = Counter(one.gpu for one in timeline.operations)
    if gpu is None and len(counts) == 1:
        return next(iter(counts))
    if gpu is None or gpu not in counts:
        found = ", ".join(f"{number} with {count} operations" for number, count in sorted(counts.items()))
        what = "operations of several GPUs" if gpu is None else f"no operation of GPU {gpu}"
        raise ProfileError(f"{timeline.where}: {what} (found {found}); state one with --gpu")
    return gpu


def _by_range(
    timeline: Timeline, cut: Cut, own: list[Launched], launched_by: str | None
) -> tuple[list[list[Launched]], list[Range | None]]:
    ranges = _outermost(timeline, cut)
    if all(one.launched_ns is None for one in own):
        raise ProfileError(
            f"{timeline.where}: no launch of the operations is recorded, so none belongs to a range; "
            "record the calls of the CUDA API as well, or cut by kernel= or repeats="
        )
    launched_ns = np.array([-1 if one.launched_ns is None else one.launched_ns for one in own], dtype=np.int64)
    order = np.argsort(launched_ns, kind="stable")
    parts: list[list[Launched]] = []
    others = 0
    for one in ranges:
        first, last = np.searchsorted(launched_ns[order], (max(one.start_ns, 0), one.finish_ns), side="left")
        of_process = [i for i in order[first:last] if (own[i].thread or (None,))[0] == one.thread[0]]
        within = sorted(of_process)
        same_thread = [i for i in within if own[i].thread == one.thread]
        others += len(within) - len(same_thread)
        parts.append([own[i] for i in (within if launched_by == "any-thread" else same_thread)])
    if others and launched_by is None:
        raise ProfileError(
            f"{timeline.where}: other threads launched {others} operations while a range {cut.name!r} was open; "
            "state --launched-by range-thread or any-thread"
        )
    kept = [(part, one) for part, one in zip(parts, ranges, strict=True) if part]
    if not kept:
        raise ProfileError(
            f"{timeline.where}: no operation was launched within the {len(ranges)} ranges {cut.name!r}; "
            "name the range around the launches"
        )
    kept.sort(key=lambda item: item[0][0].kernel.start_ns)
    return [part for part, _ in kept], [one for _, one in kept]


def _outermost(timeline: Timeline, cut: Cut) -> list[Range]:
    """Return the ranges of the name that do not lie in another of them on the same thread."""
    pattern = wildcard(cut.name)
    found: list[Range] = []
    open_until: dict[object, int] = {}
    for one in sorted(timeline.ranges, key=lambda one: (one.start_ns, -one.finish_ns)):
        if pattern.fullmatch(one.name) and one.start_ns >= open_until.get(one.thread, one.start_ns):
            open_until[one.thread] = one.finish_ns
            found.append(one)
    if not found:
        usual = Counter(one.name for one in timeline.ranges).most_common(8)
        few = ", ".join(f"{name!r} x {count}" for name, count in usual) or "no ranges"
        raise ProfileError(f"{timeline.where}: no range is called {cut.name!r} (has: {few}); name one, * is any text")
    return found


def _bounded(parts: list[list[Launched]], bounds: "list[Range | None]", everything: list[Launched]) -> list[Repetition]:
    start_ns, finish_ns, _ = times_ns(sorted(everything, key=lambda one: one.kernel.start_ns))
    reached_ns = np.maximum.accumulate(finish_ns)
    repetitions = []
    for part, bound in zip(parts, bounds, strict=True):
        kernels = tuple(one.kernel for one in part)
        first, last = min(one.start_ns for one in kernels), max(one.finish_ns for one in kernels)
        start, finish = first, last
        if bound is not None:
            before, after = np.searchsorted(start_ns, first), np.searchsorted(start_ns, last)
            idle_since = max(bound.start_ns, int(reached_ns[before - 1])) if before else bound.start_ns
            idle_until = min(bound.finish_ns, int(start_ns[after])) if after < len(start_ns) else bound.finish_ns
            start, finish = min(first, idle_since), max(last, idle_until)
        repetitions.append(Repetition(start, finish, kernels))
    return repetitions


def _alone(parts: list[list[Launched]], everything: list[Launched], resolution_ns: int) -> list[bool]:
    """Return for each part whether no kernel of another part, or of none, ran at the time of one of its operations."""
    kernels = sorted((one for one in everything if one.kernel.kind == "kernel"), key=lambda one: one.kernel.start_ns)
    owner = {id(one): index for index, part in enumerate(parts) for one in part}
    owners = np.array([owner.get(id(one), -1) for one in kernels], dtype=np.int64)
    start_ns, finish_ns, _ = times_ns(kernels)
    longest_ns = int((finish_ns - start_ns).max(initial=0))
    result = []
    for index, part in enumerate(parts):
        first = min(one.kernel.start_ns for one in part) + resolution_ns
        last = max(one.kernel.finish_ns for one in part) - resolution_ns
        near = slice(*np.searchsorted(start_ns, (first - longest_ns, last)))
        result.append(not ((owners[near] != index) & (finish_ns[near] > first)).any())
    return result
