"""What the repetitions of one batch say: which count, their medians, and what recording cost; pure code."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from isim.errors import ProfileError
from isim.profiler.device.contract import KernelCounters, Repetition
from isim.profiler.join import joined
from isim.profiler.lanes import Executions
from isim.profiler.rejection import clock_during, rejected, telemetry_summary
from isim.profiler.repetitions import merged, repetition_rows
from isim.profiler.stopping import median_and_mad, relative_noise
from isim.profiler.telemetry import Telemetry

# A recorder that slows a batch by more than this share changes what it records.
OVERHEAD_FLAG = 0.05


def solo_result(
    where: str,
    plain: Executions,
    recorded: Sequence[Repetition],
    counted: Sequence[KernelCounters],
    telemetry: Telemetry,
    with_recorder: bool,
) -> dict[str, Any]:
    """Return the rows of the batch under `operations`, and how it went under names of the profile's footer.

    Parameters
    ----------
    plain
        The repetitions timed by events alone.
    recorded
        The repetitions whose operations are known; `with_recorder` says that a recorder ran beside them.

    Raises
    ------
    ProfileError
        Every repetition was throttled, or they did not do the same.

    Examples
    --------
    >>> from isim.profiler.device.contract import Kernel
    >>> plain = Executions(np.array([0, 100]), np.array([90, 195]))
    >>> recorded = [Repetition(0, 100, (Kernel("gemm", 10, 70), Kernel("add", 75, 95)))]
    >>> result = solo_result("tiny", plain, recorded, [], Telemetry.from_samples([]), with_recorder=True)
    >>> [(row["name"], row["gap_ns"], row["duration_ns"]) for row in result["operations"]], result["batch_ns"]
    ([('gemm', 10, 60), ('add', 5, 20), ('end', 5, 0)], 92.5)
    """
    clock_mhz = solo_clock_mhz(plain, telemetry)
    keep = ~rejected(plain.start_ns, plain.finish_ns, telemetry, clock_mhz)
    start_ns = np.array([repetition.start_ns for repetition in recorded])
    finish_ns = np.array([repetition.finish_ns for repetition in recorded])
    keep_recorded = ~rejected(start_ns, finish_ns, telemetry, clock_mhz)
    if not keep.any() or not keep_recorded.any():
        raise _all_throttled(where, telemetry)
    kept = [repetition for repetition, keep_it in zip(recorded, keep_recorded, strict=True) if keep_it]
    operations = merged([repetition_rows(repetition) for repetition in kept], where)
    rows = joined(operations.rows, counted)
    durations_ns = (plain.finish_ns - plain.start_ns)[keep]
    plain_ns, plain_mad_ns = median_and_mad(durations_ns)
    overhead = median_and_mad((finish_ns - start_ns)[keep_recorded])[0] / plain_ns - 1 if with_recorder else 0.0
    return {
        "operations": list(rows.rows),
        "repetitions": len(keep),
        "rejected_share": float(1 - keep.mean()),
        "batch_ns": plain_ns,
        "batch_mad_ns": plain_mad_ns,
        "noise": relative_noise(durations_ns) if len(durations_ns) > 1 else None,
        "profiler_overhead": overhead,
        "profiler_overhead_flagged": overhead > OVERHEAD_FLAG,
        "recorded_repetitions": len(recorded),
        "recorded_rejected_share": float(1 - keep_recorded.mean()),
        "recorded_differently": operations.rejected,
        "without_counters": rows.without_counters if counted else {},
        "unused_counters": rows.unused_counters,
        "sm_clock_mhz": None if np.isnan(clock_mhz) else clock_mhz,
        "telemetry": telemetry_summary(telemetry),
    }


def solo_clock_mhz(executions: Executions, telemetry: Telemetry) -> float:
    """Return the median clock of the executions that no throttle reason touches, NaN where it is unknown.

    Examples
    --------
    >>> from isim.profiler.telemetry import Sample
    >>> telemetry = Telemetry.from_samples([Sample(0, 1500.0), Sample(5, 1400.0)])
    >>> solo_clock_mhz(Executions(np.array([0]), np.array([10])), telemetry)
    1450.0
    """
    calm = ~rejected(executions.start_ns, executions.finish_ns, telemetry)
    clocks = clock_during(executions.start_ns, executions.finish_ns, telemetry)[calm]
    clocks = clocks[~np.isnan(clocks)]
    return float(np.median(clocks)) if len(clocks) else float("nan")


def _all_throttled(where: str, telemetry: Telemetry) -> ProfileError:
    found = ", ".join(telemetry_summary(telemetry)["throttle_reasons"]) or "its clock fell"
    return ProfileError(
        f"{where}: every repetition was throttled ({found}); "
        "cool the device, raise its power limit or lock a lower clock, then repeat the command"
    )
