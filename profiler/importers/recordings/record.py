"""Make a recording of what foreign files gave."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from isim import __version__
from isim.errors import ProfileError
from isim.profiler.colocation import Recording
from isim.profiler.importers.recordings.experiment import Campaign, Experiment
from isim.profiler.importers.recordings.plausible import NOISE, Plausible
from isim.profiler.profile import Profile
from isim.profiler.recording_schema import SCHEMA

_CENTURY_NS = 3.2e18


def record(
    campaign: Campaign, *, sharing: str | None = None, profile: Profile | None = None, noise: float = NOISE
) -> tuple[Recording, tuple[str, ...]]:
    """Return the recording, and what was left out or chosen, in sentences for people.

    Parameters
    ----------
    sharing
        Take the experiments of this sharing mode only, and those alone.
    profile
        Has the kernels of the models, which bound how fast each can be.
    noise
        How much faster than possible a measurement may be before it is left out, 0.2 being a fifth.

    Raises
    ------
    ProfileError
        No experiment remains, or a duration is none that a batch can have.

    Examples
    --------
    >>> from isim.profiler.importers.recordings.experiment import Execution
    >>> alone = Experiment("a", "mps", (Execution(0, "a", 1, 100.0),))
    >>> beside = Experiment("a+b", "mps", (Execution(0, "a", 1, 150.0), Execution(1, "b", 1, 160.0)))
    >>> recording, notes = record(Campaign([alone, beside], {"format": "example"}))
    >>> recording.table["slowdown"].to_pylist(), notes
    ([1.0, 1.5, None], ('example: 1 row has no solo duration, so its slowdown is null',))
    """
    where = campaign.facts["format"]
    plausible = Plausible(profile, noise)
    experiments = plausible.sift(_chosen(campaign, sharing, where))
    left_out = {**campaign.left_out, **plausible.left_out}
    problems = list(_problems(experiments))
    if not experiments:
        reasons = ", ".join(f"{reason}: {len(labels)}" for reason, labels in left_out.items())
        problems.append(f"nothing remains to import ({reasons}); name other files")
    if problems:
        raise ProfileError(*(f"{where}: {problem}" for problem in problems))
    footer = {
        **campaign.facts,
        "origin": campaign.origin,
        "versions": {"isim": __version__},
        "noise": noise,
        "left_out": left_out,
    }
    rows = [row for number, experiment in enumerate(experiments) for row in _rows(number, experiment)]
    recording = Recording.from_table(pa.Table.from_pylist(rows, schema=SCHEMA), footer, where)
    notes = [*campaign.notes, *_sentences(left_out)]
    if unknown := recording.table.filter(recording.table["counted"])["solo_ns"].null_count:
        notes.append(
            "1 row has no solo duration, so its slowdown is null"
            if unknown == 1
            else f"{unknown} rows have no solo duration, so their slowdown is null"
        )
    return recording, tuple(f"{where}: {note}" for note in notes)


def _chosen(campaign: Campaign, sharing: str | None, where: str) -> list[Experiment]:
    chosen = [one for one in campaign.experiments if sharing in (None, one.sharing) or one.members == 1]
    if not any(sharing in (None, one.sharing) for one in chosen):
        found = ", ".join(sorted({one.sharing for one in campaign.experiments})) or "nothing"
        raise ProfileError(f"{where}: no experiment to import (found: {found}); name other files or another sharing")
    return chosen


def _problems(experiments: list[Experiment]) -> Iterator[str]:
    for experiment in experiments:
        for row in experiment.executions:
            for what, time_ns in (("duration", row.duration_ns), ("solo duration", row.solo_ns)):
                if time_ns is not None and not 0.5 < time_ns < _CENTURY_NS:
                    yield f"{experiment.label}: a {what} of {time_ns:.3g} ns is none of a batch; check the unit"
            if row.start_ns >= _CENTURY_NS:
                yield f"{experiment.label}: a start after {row.start_ns:.3g} ns is in none; check the unit"


def _rows(number: int, experiment: Experiment) -> Iterator[dict[str, Any]]:
    # A co-runner without a duration of its own ran as long as the others were watched.
    longest_ns = max(row.duration_ns or 0.0 for row in experiment.executions)
    for row in experiment.executions:
        start_ns = round(row.start_ns)
        finish_ns = round(row.start_ns + (longest_ns if row.duration_ns is None else row.duration_ns))
        solo_ns = None if row.solo_ns is None else round(row.solo_ns)
        yield {
            "experiment": number,
            "sharing": experiment.sharing,
            "statistic": experiment.statistic,
            "member": row.member,
            "model": row.model,
            "batch_size": row.batch_size,
            "sm_share": row.sm_share,
            "start_ns": start_ns,
            "finish_ns": finish_ns,
            "solo_ns": solo_ns,
            "counted": row.counted,
            "slowdown": (finish_ns - start_ns) / solo_ns if row.counted and solo_ns else None,
            "batches": row.batches,
            "alone_ns": row.alone_ns,
        }


def _sentences(left_out: dict[str, list[str]]) -> Iterator[str]:
    for reason, labels in left_out.items():
        more = ", ..." if len(labels) > 3 else ""
        yield f"left out, {reason}: {len(labels)} ({', '.join(labels[:3])}{more})"
