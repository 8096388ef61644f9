"""Make a co-location recording of a timeline in which several models ran side by side."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim import __version__
from isim.errors import ProfileError
from isim.profiler.colocation import Recording
from isim.profiler.device.contract import Repetition
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.executions import executions
from isim.profiler.importers.timeline import Timeline, times_ns
from isim.profiler.kernel_name import base_name
from isim.profiler.lanes import Executions, inside_overlap
from isim.profiler.overlap import Ints, overlap_share, overlaps

Mask = npt.NDArray[np.bool_]


class Member(NamedTuple):
    """A model that ran side by side with others, and what of the timeline one execution of it is."""

    model: str
    batch_size: int
    cut: Cut


class KernelOverlap(NamedTuple):
    """Two kernels by their base names, how often they ran at the same time, and for how long in all."""

    first: str
    second: str
    times: int
    overlap_ns: int


def timeline_recording(
    timeline: Timeline,
    members: Sequence[Member],
    sharing: str,
    *,
    skip: int = 0,
    gpu: int | None = None,
    launched_by: str | None = None,
    licence: str | None = None,
) -> Recording:
    """Return the executions of the members: those beside another member as one experiment, those alone as another each.

    What a member takes alone is the median of its executions in the same file beside which no other member ran.

    Parameters
    ----------
    sharing
        How the members shared the GPU: the file does not say it.
    skip, gpu, launched_by
        See `executions`; the number to skip is of each member.

    Raises
    ------
    ProfileError
        There are no two members, a cut gives nothing, or no two members ever ran at the same time.

    Examples
    --------
    >>> from isim.profiler.device.contract import Kernel
    >>> from isim.profiler.importers.timeline import Launched
    >>> ran = [Launched(Kernel("a", at, at + 10, stream=1)) for at in (0, 100)]
    >>> ran += [Launched(Kernel("b", at, at + 20, stream=2)) for at in (5, 50)]
    >>> members = [Member("a", 1, Cut.read("stream=1,kernel=a")), Member("b", 1, Cut.read("stream=2,kernel=b"))]
    >>> recording = timeline_recording(Timeline("t.json", tuple(ran), (), {0: {}}, {}), members, "streams")
    >>> for row in recording.table.select(["experiment", "model", "start_ns", "solo_ns"]).to_pylist():
    ...     print(*row.values())
    0 a 0 10
    0 b 5 20
    1 a 0 10
    2 b 0 20
    """
    if len(members) < 2:
        raise ProfileError(
            f"{timeline.where}: {len(members)} members ran side by side; state at least two with --member"
        )
    found = [
        executions(timeline, member.cut, skip=skip, gpu=gpu, launched_by=launched_by).repetitions for member in members
    ]
    lanes = [_lane(repetitions) for repetitions in found]
    beside = [_beside(lanes, member) for member in range(len(lanes))]
    if not any(both.any() for both in beside):
        raise ProfileError(
            f"{timeline.where}: no two members ever ran at the same time, so there is no co-location; "
            "import them with 'isim import profile'"
        )
    alone = [_chosen(repetitions, ~both) for repetitions, both in zip(found, beside, strict=True)]
    solo_ns = [_median_ns(repetitions) for repetitions in alone]
    stretches = [dict(enumerate(_chosen(repetitions, both) for repetitions, both in zip(found, beside, strict=True)))]
    stretches += [{number: repetitions} for number, repetitions in enumerate(alone) if repetitions]
    rows = [
        {**row, "experiment": experiment, "sharing": sharing}
        for experiment, stretch in enumerate(stretches)
        for row in _experiment(stretch, members, solo_ns)
    ]
    footer = _footer(timeline, members, gpu, licence)
    return Recording.from_table(pa.Table.from_pylist(rows), footer, timeline.where)


def _footer(timeline: Timeline, members: Sequence[Member], gpu: int | None, licence: str | None) -> dict[str, Any]:
    return {
        **timeline.facts,
        "origin": "imported",
        "versions": {"isim": __version__, **timeline.facts.get("versions", {})},
        "device": dict(timeline.devices.get(timeline.operations[0].gpu if gpu is None else gpu, {})),
        "members": {f"{member.model}@{member.batch_size}": str(member.cut) for member in members},
        "overlap_share": timeline_overlap_share(timeline),
        "notes": list(timeline.notes),
        "licence": licence,
    }


def _experiment(
    stretch: Mapping[int, list[Repetition]], members: Sequence[Member], solo_ns: Sequence[int | None]
) -> Iterator[dict[str, Any]]:
    lanes = {number: _lane(repetitions) for number, repetitions in stretch.items()}
    begin_ns = min(int(lane.start_ns.min()) for lane in lanes.values() if len(lane.start_ns))
    inside = dict(zip(lanes, inside_overlap(list(lanes.values())), strict=True))
    for place, (number, repetitions) in enumerate(stretch.items()):
        for one, counted in zip(repetitions, inside[number].tolist(), strict=True):
            streams = {kernel.stream for kernel in one.kernels}
            yield {
                "member": place,
                "model": members[number].model,
                "batch_size": members[number].batch_size,
                "sm_share": 1.0,
                "stream": streams.pop() if len(streams) == 1 else None,
                "start_ns": one.start_ns - begin_ns,
                "finish_ns": one.finish_ns - begin_ns,
                "solo_ns": solo_ns[number],
                "counted": counted,
            }


def timeline_overlap_share(timeline: Timeline) -> float:
    """Return the share of the busy time of the GPUs in which two or more streams were busy with kernels."""
    return overlap_share(*times_ns([one for one in timeline.operations if one.kernel.kind == "kernel"]))


def kernel_overlaps(timeline: Timeline) -> list[KernelOverlap]:
    """Return which kernels of different streams ran at the same time, those first that did so for longest."""
    kernels = [one for one in timeline.operations if one.kernel.kind == "kernel"]
    names = [base_name(one.kernel.name) for one in kernels]
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for first, second, overlap_ns in zip(*(column.tolist() for column in overlaps(*times_ns(kernels))), strict=True):
        pair = min(names[first], names[second]), max(names[first], names[second])
        times, total_ns = sums.get(pair, (0, 0))
        sums[pair] = times + 1, total_ns + overlap_ns
    found = [KernelOverlap(*pair, *sum_) for pair, sum_ in sums.items()]
    return sorted(found, key=lambda one: (-one.overlap_ns, one.first, one.second))


def _lane(repetitions: Sequence[Repetition]) -> Executions:
    return Executions(
        np.array([one.start_ns for one in repetitions], dtype=np.int64),
        np.array([one.finish_ns for one in repetitions], dtype=np.int64),
    )


def _beside(lanes: Sequence[Executions], member: int) -> Mask:
    """Return which executions of a member ran at the same time as one of another member."""
    lane = lanes[member]
    together = np.zeros(len(lane.start_ns), bool)
    for other in (other for number, other in enumerate(lanes) if number != member):
        starts: Ints = np.sort(other.start_ns)
        finishes: Ints = np.sort(other.finish_ns)
        # Those that began before this one finished, less those that had finished before it began.
        began = np.searchsorted(starts, lane.finish_ns, side="left")
        ended = np.searchsorted(finishes, lane.start_ns, side="right")
        together |= began > ended
    return together


def _chosen(repetitions: Sequence[Repetition], which: Mask) -> list[Repetition]:
    return [one for one, is_chosen in zip(repetitions, which.tolist(), strict=True) if is_chosen]


def _median_ns(repetitions: Sequence[Repetition]) -> int | None:
    return round(median(one.finish_ns - one.start_ns for one in repetitions)) if repetitions else None
