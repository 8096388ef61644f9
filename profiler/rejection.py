"""Which executions were throttled: what telemetry says of the time around each, as pure array code.

A sample holds until the next one, so an execution is judged by every sample from the last one at or before its start
to the first one at or after its finish.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from isim.profiler.telemetry import IDLE, REASONS, THROTTLING, Telemetry

# Co-location raises power, and a power cap costs 8 to 12 % of the clock: far less than 25 % must be seen.
CLOCK_FLOOR = 0.97
_Times = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


def reasons_during(start_ns: _Times, finish_ns: _Times, telemetry: Telemetry) -> _Times:
    """Return, of each execution, every throttle reason that was reported during it, as bits.

    Examples
    --------
    >>> import pyarrow as pa
    >>> samples = pa.table({"time_ns": [0, 10, 20, 30], "throttle_reasons": [0, 4, 0, 0]})
    >>> telemetry = Telemetry.from_table(samples, {})
    >>> reasons_during(np.array([2, 20]), np.array([8, 28]), telemetry).tolist()
    [4, 0]
    """
    first, last = _around(start_ns, finish_ns, telemetry)
    reasons = telemetry.throttle_reasons
    return np.array([np.bitwise_or.reduce(reasons[a:b]) for a, b in zip(first, last, strict=True)], dtype=np.int64)


def clock_during(start_ns: _Times, finish_ns: _Times, telemetry: Telemetry) -> _Floats:
    """Return the mean SM clock in MHz during each execution, NaN where none was reported; idle samples do not count.

    Examples
    --------
    >>> import pyarrow as pa
    >>> clocks = {"sm_clock_mhz": [345.0, 1980.0, 1900.0], "throttle_reasons": [1, 0, 0]}
    >>> telemetry = Telemetry.from_table(pa.table({"time_ns": [0, 10, 20], **clocks}), {})
    >>> clock_during(np.array([2]), np.array([20]), telemetry).tolist()
    [1940.0]
    """
    return _clocks(start_ns, finish_ns, telemetry, np.mean)


def rejected(
    start_ns: _Times, finish_ns: _Times, telemetry: Telemetry, solo_clock_mhz: float = np.nan
) -> npt.NDArray[np.bool_]:
    """Return which executions were throttled, or ran below 97 % of the solo clock at any time.

    Parameters
    ----------
    solo_clock_mhz
        Clock of the solo executions to compare with; NaN where none is known, then only reasons count.

    Examples
    --------
    >>> import pyarrow as pa
    >>> samples = pa.table({"time_ns": [0, 10, 20], "sm_clock_mhz": [1980.0, 1980.0, 1910.0]})
    >>> rejected(np.array([1, 12]), np.array([9, 18]), Telemetry.from_table(samples, {}), 1980.0).tolist()
    [False, True]
    """
    throttled = (reasons_during(start_ns, finish_ns, telemetry) & THROTTLING) != 0
    lowest = _clocks(start_ns, finish_ns, telemetry, np.min)
    bad: npt.NDArray[np.bool_] = throttled | (lowest < CLOCK_FLOOR * solo_clock_mhz)  # with NaN it is false
    return bad


def reason_counts(telemetry: Telemetry) -> dict[str, int]:
    """Return how many samples report each throttle reason, by the names nvidia-smi prints; absent ones are left out.

    Examples
    --------
    >>> import pyarrow as pa
    >>> reason_counts(Telemetry.from_table(pa.table({"time_ns": [0, 1, 2], "throttle_reasons": [1, 4, 36]}), {}))
    {'gpu_idle': 1, 'sw_power_cap': 2, 'sw_thermal_slowdown': 1}
    """
    counts = {name: int((telemetry.throttle_reasons & bit != 0).sum()) for bit, name in REASONS.items()}
    return {name: count for name, count in counts.items() if count}


def telemetry_summary(telemetry: Telemetry) -> dict[str, Any]:
    """Return what a footer keeps of telemetry: samples, reasons, and lowest, median and highest of each quantity.

    Examples
    --------
    >>> import pyarrow as pa
    >>> telemetry_summary(Telemetry.from_table(pa.table({"time_ns": [0, 1], "power_w": [70.0, 90.0]}), {}))
    {'samples': 2, 'throttle_reasons': {}, 'power_w': [70.0, 80.0, 90.0]}
    """
    summary: dict[str, Any] = {"samples": len(telemetry.table), "throttle_reasons": reason_counts(telemetry)}
    for name in ("sm_clock_mhz", "memory_clock_mhz", "power_w", "temperature_c"):
        values = telemetry.table[name].drop_null().to_numpy()
        if len(values):
            summary[name] = [float(np.min(values)), float(np.median(values)), float(np.max(values))]
    return summary


def _around(start_ns: _Times, finish_ns: _Times, telemetry: Telemetry) -> tuple[_Times, _Times]:
    time_ns = telemetry.time_ns
    first = np.maximum(np.searchsorted(time_ns, start_ns, side="right") - 1, 0)
    last = np.minimum(np.searchsorted(time_ns, finish_ns, side="left") + 1, len(time_ns))
    return first, last


def _clocks(start_ns: _Times, finish_ns: _Times, telemetry: Telemetry, reduce: Any) -> _Floats:
    first, last = _around(start_ns, finish_ns, telemetry)
    clock_mhz = np.where(telemetry.throttle_reasons & IDLE, np.nan, telemetry.sm_clock_mhz)
    during = (clock_mhz[a:b][~np.isnan(clock_mhz[a:b])] for a, b in zip(first, last, strict=True))
    return np.array([reduce(clocks) if len(clocks) else np.nan for clocks in during])
