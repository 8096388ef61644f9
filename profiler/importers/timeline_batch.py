"""Make one batch of a profile of what a timeline says: medians over its executions, counters joined where given."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from isim.errors import ProfileError
from isim.profiler.device.contract import KernelCounters, Repetition
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.cut import Cut
from isim.profiler.importers.executions import Executions, executions
from isim.profiler.importers.timeline import Launched, Timeline, times_ns
from isim.profiler.join import joined
from isim.profiler.overlap import overlap_share
from isim.profiler.repetitions import Merged, merged, repetition_rows


def timeline_batch(
    timeline: Timeline,
    model: str,
    batch_size: int,
    cut: Cut,
    *,
    skip: int = 0,
    gpu: int | None = None,
    launched_by: str | None = None,
    counters: Sequence[KernelCounters] | None = None,
    counters_facts: dict[str, Any] | None = None,
) -> ImportedBatch:
    """Return the batch that the executions of a timeline are repetitions of.

    Executions beside which another kernel ran are left out: their durations are not those of a batch alone.

    Parameters
    ----------
    cut, skip, gpu, launched_by
        What one execution is; see `executions`.
    counters, counters_facts
        Hardware counters of the same batch in launch order, and what the footer says of their file.

    Raises
    ------
    ProfileError
        The timeline holds no such executions, none ran alone, or they differ.

    Examples
    --------
    >>> from isim.profiler.device.contract import Kernel
    >>> from isim.profiler.importers.timeline import Launched
    >>> ran = tuple(Launched(Kernel("gemm", at, at + 900)) for at in (0, 1000, 2000))
    >>> batch = timeline_batch(Timeline("t.json", ran, (), {0: {}}, {}), "mlp", 8, Cut.read("repeats=3"))
    >>> [(row["name"], row["duration_ns"]) for row in batch.rows]
    [('gemm', 900)]
    """
    where = f"{timeline.where}: {model} at batch size {batch_size}"
    found = executions(timeline, cut, skip=skip, gpu=gpu, launched_by=launched_by)
    alone = _alone(found, where)
    whole = merged([repetition_rows(one) for one in alone], where)
    overlap = overlap_share(*times_ns([Launched(kernel) for kernel in alone[-1].kernels]))
    facts = {
        **timeline.facts,
        "model": model,
        "batch_size": batch_size,
        "cut": str(cut),
        "skipped": skip,
        "launched_by": launched_by,
        "executions": len(found.repetitions),
        "executions_beside_others": len(found.repetitions) - len(alone),
        "executions_that_differ": whole.rejected,
        "overlap_share": overlap,
    }
    notes = [
        *timeline.notes,
        *(f"{where}: {note}" for note in _notes(whole, facts, cut, alone, timeline.resolution_ns)),
    ]
    rows = whole.rows
    if counters is not None:
        rows, facts["counters"] = _with_counters(rows, counters, counters_facts or {}, where, notes)
    device = timeline.devices.get(timeline.operations[0].gpu if gpu is None else gpu, {})
    rows = tuple(with_sm_needed(row, device.get("sms")) for row in rows)
    return ImportedBatch(model, batch_size, rows, facts, tuple(notes), device)


def _alone(found: Executions, where: str) -> list[Repetition]:
    alone = [one for one, beside in zip(found.repetitions, found.accompanied, strict=True) if not beside]
    if not alone:
        raise ProfileError(
            f"{where}: other kernels ran beside each of its {len(found.repetitions)} executions, so how long it takes "
            "alone is unknown; cut wider, or import a co-location with 'isim import recording'"
        )
    return alone


def _notes(
    whole: Merged, facts: dict[str, Any], cut: Cut, alone: Sequence[Repetition], resolution_ns: int
) -> Iterator[str]:
    beside, overlap = facts["executions_beside_others"], facts["overlap_share"]
    if beside or whole.rejected:
        yield (
            f"{whole.used} of {facts['executions']} executions are in the medians; other kernels ran beside {beside}, "
            f"and {whole.rejected} ran other operations"
        )
    if overlap:
        yield (
            f"several of its streams are busy in {overlap:.1%} of its busy time; the operations of a profile run one "
            "after another, so it takes longer than was recorded"
        )
    if cut.how in ("kernel", "repeats") and len(alone) > 1:
        between_us = median(later.start_ns - one.finish_ns for one, later in pairwise(alone)) / 1e3
        yield f"the time between batches (median {between_us:.1f} us) is in no batch; cut by range= to keep it"
    short = sum(row["kind"] != "end" and row["duration_ns"] < resolution_ns for row in whole.rows)
    if short:
        yield f"{short} operations are shorter than the file's clock step of {resolution_ns} ns"


def with_sm_needed(row: dict[str, Any], sms: int | None) -> dict[str, Any]:
    """Return the row with the share of the SMs that its grid can fill, one block an SM at first.

    Examples
    --------
    >>> with_sm_needed({"kind": "kernel", "grid": 20}, 80)["sm_needed"]
    0.25
    """
    if not sms or row["kind"] != "kernel" or not row.get("grid"):
        return row
    return {**row, "sm_needed": min(row["grid"] / sms, 1.0)}


def _with_counters(
    rows: tuple[dict[str, Any], ...],
    counters: Sequence[KernelCounters],
    facts: dict[str, Any],
    where: str,
    notes: list[str],
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    result = joined(rows, counters)
    kernels = result.matched + sum(result.without_counters.values())
    if not result.matched:
        raise ProfileError(
            f"{where}: none of its {kernels} kernels is among the {len(counters)} of {facts.get('file', 'the other')}, "
            f"by name, grid, block and number of occurrences (has: {', '.join(list(result.unused_counters)[:5])}); "
            "count one batch of the same model and batch size"
        )
    if result.without_counters or result.unused_counters:
        few = ", ".join(list(result.without_counters)[:5]) or "none"
        notes.append(
            f"{where}: {result.matched} of {kernels} kernels have counters (without: {few}); "
            f"{sum(result.unused_counters.values())} counted kernels belong to none"
        )
    return result.rows, {
        **facts,
        "matched": result.matched,
        "without_counters": result.without_counters,
        "unused_counters": result.unused_counters,
    }
