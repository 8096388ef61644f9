"""Make one batch of a profile of the kernels that Nsight Compute counted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isim.errors import ProfileError
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.importers.cut import Cut, cut_sequence
from isim.profiler.importers.ncu_metrics import Counted, to_columns
from isim.profiler.importers.solo_period import fit_to_period
from isim.profiler.importers.source import sha256_of
from isim.profiler.importers.timeline_batch import with_sm_needed
from isim.profiler.repetitions import merged

_NOTE = (
    "durations are of kernels that ncu ran one by one, unless told otherwise with caches flushed and at base clock; "
    "for those of serving, import a timeline and add this file with --counters"
)


def ncu_batch(
    path: str | Path,
    kernels: Sequence[Counted],
    model: str,
    batch_size: int,
    cut: Cut,
    *,
    skip: int = 0,
    solo_period_s: float | None = None,
    above_peak: str = "error",
) -> ImportedBatch:
    """Return the batch that the kernels of a report are.

    Parameters
    ----------
    cut, skip
        What of the report is one batch, and how many to leave out at the beginning; ranges are not in it.
    solo_period_s
        Measured time of the batch alone, in s; ncu records no time between kernels. See `fit_to_period`.
    above_peak
        `clip` or `error`; see `to_columns`.

    Raises
    ------
    ProfileError
        The report has no durations, a unit is unknown, or it cannot be cut so.

    Examples
    --------
    >>> kernel = Counted("gemm", {"gpu__time_duration.sum": ("84.48", "usecond")})
    >>> _ = Path("ncu.csv").write_text("as counted")
    >>> ncu_batch(Path("ncu.csv"), [kernel], "bert", 8, Cut("whole")).rows[0]["duration_ns"]
    84480
    """
    columns = to_columns(kernels, str(path), above_peak=above_peak)
    where = f"{path}: {model} at batch size {batch_size}"
    parts = _cut(path, columns.rows, cut, skip)
    whole = merged(parts, where)
    batch = [with_sm_needed(dict(row), columns.device.get("sms")) for row in whole.rows]
    scale, notes = fit_to_period(batch, solo_period_s, where)
    if columns.clipped:
        notes.append(f"{path}: {columns.clipped} utilisations above the peak were taken for the peak")
    facts = {
        "format": "ncu",
        "file": Path(path).name,
        "sha256": sha256_of(path),
        "model": model,
        "batch_size": batch_size,
        "cut": str(cut),
        "skipped": skip,
        "executions": len(parts),
        "executions_that_differ": whole.rejected,
        "metrics": columns.metrics,
        "utilisations_clipped": columns.clipped,
        "solo_period_s": solo_period_s,
        "duration_scale": scale,
    }
    return ImportedBatch(model, batch_size, tuple(batch), facts, (*notes, f"{path}: {_NOTE}"), columns.device)


def _cut(path: str | Path, kernels: Sequence[dict[str, Any]], cut: Cut, skip: int) -> list[list[dict[str, Any]]]:
    """Return the kernels of each execution as the profile's columns."""
    without = sum("duration_ns" not in row for row in kernels)
    if without:
        raise ProfileError(
            f"{path}: no duration of {without} of {len(kernels)} kernels; count gpu__time_duration.sum as well, "
            "or add the file to a timeline with --counters"
        )
    if cut.how == "range" or cut.stream is not None or cut.process is not None:
        raise ProfileError(
            f"{path}: a report of ncu is not cut by {cut}; filter in ncu (--nvtx-include, --kernel-name)"
        )
    rows: list[dict[str, Any]] = [{"kind": "kernel", "gap_ns": 0, **row} for row in kernels]
    same = [(row["name"], row.get("grid"), row.get("block")) for row in rows]
    parts = cut_sequence(cut, [row["name"] for row in rows], same, str(path))
    if len(parts) <= skip:
        raise ProfileError(f"{path}: {cut} gives {len(parts)} batches, all of them skipped; skip fewer")
    return [rows[part] for part in parts[skip:]]
