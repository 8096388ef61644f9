"""What the stretches of one mix say: which executions count, and how much slower they were than alone; pure code."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isim.errors import ProfileError
from isim.profiler.lanes import Executions, inside_overlap
from isim.profiler.mix import Mix
from isim.profiler.rejection import clock_during, rejected, telemetry_summary
from isim.profiler.solo_result import solo_clock_mhz
from isim.profiler.telemetry import Telemetry


class Stretch(NamedTuple):
    """One uninterrupted stretch: the numbers of the members that ran, and what each of them did."""

    members: tuple[int, ...]
    lanes: tuple[Executions, ...]


class Solo(NamedTuple):
    """A member alone: its median duration in ns and its clock in MHz (NaN where unknown)."""

    duration_ns: int
    clock_mhz: float


def mix_result(mix: Mix, stretches: Sequence[Stretch], telemetry: Telemetry) -> dict[str, Any]:
    """Return the recording's columns of each experiment of a mix, in order, and how it went.

    Raises
    ------
    ProfileError
        Every solo execution of a member was throttled, or no member ran fully inside an overlap.

    Examples
    --------
    >>> from isim.profiler.mix import parse_mix
    >>> def ran(*spans):
    ...     return Executions(*np.array(spans).T)
    >>> together = Stretch((0, 1), (ran((0, 300), (300, 600)), ran((0, 150), (150, 300), (300, 450), (450, 600))))
    >>> stretches = [Stretch((0,), (ran((0, 200)),)), Stretch((1,), (ran((0, 100)),)), together]
    >>> result = mix_result(parse_mix("a@1 + b@1"), stretches, Telemetry.from_samples([]))
    >>> result["solo_ns"], result["slowdown_median"]
    ([200, 100], [1.5, 1.5])
    """
    solos = [_solo(mix, member, stretches, telemetry) for member in range(len(mix))]
    experiments = [_experiment(mix, stretch, solos, telemetry) for stretch in stretches]
    together = [one for stretch, one in zip(stretches, experiments, strict=True) if len(stretch.members) > 1]
    inside = sum(one["inside"] for one in experiments)
    medians, means = [], []
    for member, _ in enumerate(mix):
        values = [
            row["slowdown"] for one in together for row in one["rows"] if row["member"] == member and row["counted"]
        ]
        if not values:
            raise ProfileError(
                f"{' + '.join(map(str, mix))}: no execution of {mix[member]} counts (none lies inside the overlap, "
                "or all were throttled); record longer stretches with --stretch, or cool the device"
            )
        medians.append(float(np.median(values)))
        means.append(float(np.mean(values)))  # where members take turns on a core, most batches notice nothing
    return {
        "experiments": [one["rows"] for one in experiments],
        "members": [str(member) for member in mix],
        "solo_ns": [solo.duration_ns for solo in solos],
        "sm_clock_mhz": [None if np.isnan(solo.clock_mhz) else solo.clock_mhz for solo in solos],
        "slowdown_median": medians,
        "slowdown_mean": means,
        "rejected_share": sum(one["rejected"] for one in experiments) / inside if inside else 0.0,
        "telemetry": telemetry_summary(telemetry),
    }


def _solo(mix: Mix, member: int, stretches: Sequence[Stretch], telemetry: Telemetry) -> Solo:
    alone = [stretch.lanes[0] for stretch in stretches if stretch.members == (member,)]
    executions = Executions(*(np.concatenate(times) for times in zip(*alone, strict=True)))
    clock_mhz = solo_clock_mhz(executions, telemetry)
    keep = ~rejected(executions.start_ns, executions.finish_ns, telemetry, clock_mhz)
    if not keep.any():
        raise ProfileError(
            f"{mix[member]}: every solo execution was throttled; cool the device or lock a lower clock, then repeat"
        )
    return Solo(round(float(np.median((executions.finish_ns - executions.start_ns)[keep]))), clock_mhz)


def _experiment(mix: Mix, stretch: Stretch, solos: Sequence[Solo], telemetry: Telemetry) -> dict[str, Any]:
    begin_ns = min(int(lane.start_ns[0]) for lane in stretch.lanes if len(lane.start_ns))
    rows: list[dict[str, Any]] = []
    inside_all = rejected_all = 0
    alone = len(stretch.members) == 1
    for member, lane, inside in zip(stretch.members, stretch.lanes, inside_overlap(stretch.lanes), strict=True):
        solo = solos[member]
        throttled = rejected(lane.start_ns, lane.finish_ns, telemetry, solo.clock_mhz)
        slowdown = (lane.finish_ns - lane.start_ns) / solo.duration_ns
        clock_share = clock_during(lane.start_ns, lane.finish_ns, telemetry) / solo.clock_mhz
        inside_all += int(inside.sum())
        rejected_all += int((inside & throttled).sum())
        columns: dict[str, npt.NDArray[Any]] = {
            "start_ns": lane.start_ns - begin_ns,
            "finish_ns": lane.finish_ns - begin_ns,
            "counted": inside & ~throttled,
            "slowdown": slowdown,
            "slowdown_at_solo_clock": slowdown * clock_share,
        }
        common = {
            "member": 0 if alone else member,
            "model": mix[member].model,
            "batch_size": mix[member].batch_size,
            "sm_share": mix[member].sm_share,
            "stream": member,
            "solo_ns": solo.duration_ns,
        }
        for values in zip(*(column.tolist() for column in columns.values()), strict=True):
            row = dict(zip(columns, values, strict=True))
            if row["slowdown_at_solo_clock"] != row["slowdown_at_solo_clock"]:  # no clock was reported
                row["slowdown_at_solo_clock"] = None
            rows.append({**common, **row})
    return {"rows": rows, "inside": inside_all, "rejected": rejected_all}
