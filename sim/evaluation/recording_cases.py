"""The executions of a co-location recording as cases for predictors."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import numpy as np

from isim.engine.members import ProfiledMembers
from isim.errors import ProfileError
from isim.evaluation.cases import Case, Cases, left_out
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Stay
from isim.profiler.colocation import Recording
from isim.profiler.profile import Profile

_KEY = ("model", "batch_size", "sm_share")
_Row = dict[str, Any]
_Solo = Mapping[tuple[str, int, float], float]


def recording_cases(recording: Recording, profile: Profile | None, sharing: str | None, path: str) -> Cases:
    """Return the measured executions that ran beside others, experiment after experiment.

    A row that is the mean of a closed loop is one execution beside all other members from its start to its finish.

    Parameters
    ----------
    profile
        What is known of the members; None if nothing but how long each takes alone.
    sharing
        The sharing mode to take; may be left out of a recording with one. Modes are never pooled.
    path
        What to call the recording.

    Raises
    ------
    ProfileError
        Nothing is left, or there are several sharing modes and none was chosen.
    """
    rows: list[_Row] = recording.table.to_pylist()  # sorted by experiment and member
    experiments = [list(group) for _, group in groupby(rows, itemgetter("experiment"))]
    beside = [members for members in experiments if members[-1]["member"] > 0]
    taken = _of_one_mode(beside, sharing, path)
    members, alone_s = ProfiledMembers(profile), _alone_s(rows)
    reasons: Counter[str] = Counter()
    if len(taken) < len(beside):
        reasons["experiments left out: measured under another sharing mode"] = len(beside) - len(taken)
    cases: list[Case] = []
    start_s = 0.0
    for experiment in taken:
        found = _members(experiment, members, alone_s)
        if isinstance(found, str):
            reasons[found] += 1
            continue
        cases += _cases(experiment, found, start_s, reasons)
        start_s += max(row["finish_ns"] for row in experiment) / 1e9
    cases.sort(key=lambda case: case.finished_s)
    notes = left_out(reasons)
    if not cases:
        raise ProfileError(
            f"{path}: no measured slowdown of a batch beside others ({'; '.join(notes) or 'solo measurements only'}); "
            "record mixes, of workloads that the profile holds"
        )
    return Cases(path, recording.footer["origin"], cases, notes)


def _of_one_mode(experiments: Sequence[list[_Row]], sharing: str | None, path: str) -> list[list[_Row]]:
    modes = sorted({experiment[0]["sharing"] for experiment in experiments})
    if sharing is None and len(modes) > 1:
        raise ProfileError(f"{path}: several sharing modes (found {', '.join(modes)}); choose one with --sharing")
    if sharing is not None and sharing not in modes:
        advice = f"choose --sharing {' or '.join(modes)}" if modes else "record mixes"
        raise ProfileError(
            f"{path}: no mix under sharing {sharing!r} (found {', '.join(modes) or 'solo measurements only'}); {advice}"
        )
    return [experiment for experiment in experiments if sharing in (None, experiment[0]["sharing"])]


def _alone_s(rows: Sequence[_Row]) -> _Solo:
    """Return the median solo duration of each (model, batch size, SM share)."""
    found: dict[tuple[str, int, float], list[int]] = defaultdict(list)
    for row in rows:
        if row["solo_ns"] is not None:
            found[row["model"], row["batch_size"], row["sm_share"]].append(row["solo_ns"])
    return {key: float(np.median(values)) / 1e9 for key, values in found.items()}


def _members(experiment: Sequence[_Row], members: ProfiledMembers, alone_s: _Solo) -> list[Member] | str:
    """Return the member of each row, or why the experiment is left out."""
    found = []
    for row in experiment:
        key = row["model"], row["batch_size"], row["sm_share"]
        member = members.member(*key, alone_s.get(key))
        if member is None:
            return "experiments left out: a member that the profile does not hold, or whose solo duration is not known"
        found.append(member)
    return found


def _cases(
    experiment: Sequence[_Row], members: Sequence[Member], start_s: float, reasons: Counter[str]
) -> Iterator[Case]:
    names = {row["member"]: f"{row['model']}@{row['batch_size']}" for row in experiment}
    mix = " + ".join(sorted(names.values()))
    lanes = {number: [i for i, row in enumerate(experiment) if row["member"] == number] for number in names}
    for row, member in zip(experiment, members, strict=True):
        if not row["counted"] or row["slowdown"] is None:
            reasons["executions not asked about: no measurement of their own slowdown"] += 1
            continue
        own_s = (row["finish_ns"] - row["start_ns"]) / 1e9
        others = [i for number, lane in lanes.items() if number != row["member"] for i in _near(row, experiment, lane)]
        if row["statistic"] == "execution":
            stays, co_runners = _overlapping(row, experiment, members, others)
        else:
            stays = (Stay(own_s, tuple(members[i] for i in others)),)
            co_runners = tuple(CoRunner(members[i]) for i in others)
        observation = Observation(member, own_s, stays, row["solo_ns"] / 1e9)
        dispatched_s = start_s + row["start_ns"] / 1e9
        yield Case(observation, co_runners, dispatched_s, dispatched_s + own_s, mix)


def _near(row: _Row, experiment: Sequence[_Row], lane: Sequence[int]) -> Sequence[int]:
    """Return the rows of another member, which ran one after another, that overlap `row`."""
    if row["statistic"] != "execution":
        return lane
    first = bisect_right(lane, row["start_ns"], key=lambda i: int(experiment[i]["finish_ns"]))
    return lane[first : bisect_left(lane, row["finish_ns"], key=lambda i: int(experiment[i]["start_ns"]))]


def _overlapping(
    row: _Row, experiment: Sequence[_Row], members: Sequence[Member], near: Sequence[int]
) -> tuple[tuple[Stay, ...], tuple[CoRunner, ...]]:
    """Return the stays of one execution, and who ran when it started."""
    start, finish = row["start_ns"], row["finish_ns"]
    times = {start, finish, *(t for i in near for t in (experiment[i]["start_ns"], experiment[i]["finish_ns"]))}
    edges = sorted(t for t in times if start <= t <= finish)
    stays = tuple(
        Stay((b - a) / 1e9, tuple(
            members[i] for i in near if experiment[i]["start_ns"] <= a and experiment[i]["finish_ns"] >= b
        ))
        for a, b in pairwise(edges)
    )  # fmt: skip
    co_runners = tuple(
        CoRunner(members[i], (start - experiment[i]["start_ns"]) / 1e9)
        for i in near
        if experiment[i]["start_ns"] <= start
    )
    return stays, co_runners
