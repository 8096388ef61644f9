"""Measured co-location as a calibration sees it: which processes ran together, and how much slower each was."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isim.calibration.replay import Process
from isim.calibration.window import Window
from isim.errors import ProfileError
from isim.profiler.colocation import Recording
from isim.profiler.profile import Profile


class Mix(NamedTuple):
    """One experiment with every member's mean slowdown."""

    experiment: int
    processes: tuple[Process, ...]
    slowdowns: tuple[float, ...]
    sharing: str = "streams"
    windows: tuple[Window, ...] = ()
    """Over what each member's mean was taken, where it is known."""


def read_mixes(recording: Recording, profile: Profile, sharing: str, where: str) -> tuple[list[Mix], list[str]]:
    """Return the experiments of two and more members that the profile can replay, and what was left out.

    Parameters
    ----------
    recording, profile
        What was measured, and the kernels of its workloads alone.
    sharing
        The sharing mode to take; modes are never pooled. `mps` takes the experiments with every member at the whole
        GPU, `mps:shares` those with a member held to a part of the SMs.
    where
        What to call the recording in errors.

    Raises
    ------
    ProfileError
        Nothing is left.
    """
    members: dict[int, dict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    columns = ["experiment", "sharing", "member", "model", "batch_size", "sm_share", "counted", "slowdown"]
    columns += ["start_ns", "finish_ns", "batches", "alone_ns"]
    for row in recording.table.select(columns).to_pylist():
        members[row["experiment"]][row["member"]].append(row)
    mode, _, partitions = sharing.partition(":")
    if partitions not in ("", "shares") or (partitions and mode != "mps"):
        raise ProfileError(f"{where}: no such sharing mode (found {sharing!r}); write a mode, or mps:shares")
    left_out: dict[str, int] = defaultdict(int)
    unknown: set[str] = set()
    suiting: list[str | None] = []
    mixes = []
    alone_ns = _alone_ns(members)
    for experiment, of_member in members.items():
        rows = [of_member[member] for member in sorted(of_member)]
        if len(rows) < 2:
            continue
        first = [of_one[0] for of_one in rows]
        processes = tuple(
            Process(row["model"], row["batch_size"], row["sm_share"], _solo_ratio(alone_ns, row)) for row in first
        )
        counted = [[row["slowdown"] for row in of_one if row["counted"] and row["slowdown"]] for of_one in rows]
        missing = [f"{p.model}@{p.batch_size}" for p in processes if not _holds(profile, p)]
        suiting.append(_taken_by(first))
        if first[0]["sharing"] != mode:
            left_out[f"measured under another sharing mode ({first[0]['sharing']})"] += 1
        elif any(row["sm_share"] != 1.0 for row in first) != bool(partitions):
            left_out["every member at the whole GPU" if partitions else "a member held to a share of the SMs"] += 1
        elif missing:
            left_out["a member the profile does not hold"] += 1
            unknown.update(missing)
        elif not all(counted):
            left_out["a member without a counted slowdown"] += 1
        else:
            mixes.append(_mix(experiment, processes, counted, mode, first))
    notes = [
        f"{count} experiment{'s' if count > 1 else ''} left out: {reason}" for reason, count in sorted(left_out.items())
    ]
    if unknown:
        notes.append(f"the profile does not hold {', '.join(sorted(unknown))}")
    if not mixes:
        modes = sorted({row["sharing"] for of in members.values() for rows in of.values() for row in rows})
        others = sorted({each for each in suiting if each}) if sharing not in suiting and None not in suiting else []
        advice = (
            f"choose --sharing {' or '.join(others)}" if others else "record mixes of workloads that the profile holds"
        )
        raise ProfileError(
            f"{where}: no experiment that can be replayed under sharing {sharing!r} (found sharing {', '.join(modes)}; "
            f"{'; '.join(notes) or 'solo measurements only'}); {advice}"
        )
    return mixes, notes


def _taken_by(first: list[dict[str, Any]]) -> str | None:
    """Return the `sharing` that takes an experiment, by a row of each member; None if there is none."""
    mode: str = first[0]["sharing"]
    if all(row["sm_share"] == 1.0 for row in first):
        return mode
    return "mps:shares" if mode == "mps" else None


def _mix(
    experiment: int, processes: tuple[Process, ...], counted: list[list[float]], mode: str, first: list[dict[str, Any]]
) -> Mix:
    slowdowns = tuple(float(np.mean(values)) for values in counted)
    windows = tuple(Window(row["batches"] or 0, (row["alone_ns"] or 0) / 1e9) for row in first)
    return Mix(experiment, processes, slowdowns, mode, windows if any(map(any, windows)) else ())


def _holds(profile: Profile, process: Process) -> bool:
    return process.model in profile.models and process.batch_size in profile.batch_sizes(process.model)


def _alone_ns(members: Mapping[int, Mapping[int, list[dict[str, Any]]]]) -> dict[tuple[str, int, float], float]:
    """Return the mean duration of each (model, batch size, SM share) in experiments with one member."""
    found: dict[tuple[str, int, float], list[float]] = defaultdict(list)
    for of_member in members.values():
        if len(of_member) == 1:
            for row in next(iter(of_member.values())):
                if row["counted"]:
                    found[row["model"], row["batch_size"], row["sm_share"]].append(row["finish_ns"] - row["start_ns"])
    return {key: float(np.mean(values)) for key, values in found.items()}


def _solo_ratio(alone_ns: Mapping[tuple[str, int, float], float], row: Mapping[str, Any]) -> float:
    held = alone_ns.get((row["model"], row["batch_size"], row["sm_share"]))
    whole = alone_ns.get((row["model"], row["batch_size"], 1.0))
    return held / whole if held and whole and row["sm_share"] < 1.0 else 0.0


def measured(mixes: Sequence[Mix]) -> npt.NDArray[np.float64]:
    """Return the slowdowns of all members, mix after mix."""
    return np.array([slowdown for mix in mixes for slowdown in mix.slowdowns])


def folds(mixes: Sequence[Mix]) -> dict[str, dict[str, npt.NDArray[np.bool_]]]:
    """Return, by what is left out, one named mask a fold over all members: true for those a fit may not have seen.

    `pair`: the same processes together (of any experiment). `family`: every mix with a model. `co-runners`: every mix
    of a size, where there are several sizes.
    """
    owner = np.repeat(np.arange(len(mixes)), [len(mix.processes) for mix in mixes])

    def masks(keys: Sequence[frozenset[str]]) -> dict[str, npt.NDArray[np.bool_]]:
        distinct = sorted({key for of_mix in keys for key in of_mix})
        return {key: np.array([key in of_mix for of_mix in keys])[owner] for key in distinct}

    def together(mix: Mix) -> str:
        return " + ".join(sorted(f"{process.model}@{process.batch_size}" for process in mix.processes))

    found = {
        "pair": masks([frozenset([together(mix)]) for mix in mixes]),
        "family": masks([frozenset(process.model for process in mix.processes) for mix in mixes]),
        "co-runners": masks([frozenset([str(len(mix.processes))]) for mix in mixes]),
    }
    return {name: kept for name, kept in found.items() if len(kept) > 1}
