"""Telemetry: clocks, power, temperature and throttle reasons of a device over time."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import ProfileError
from isim.profiler.conform import conformed, count_rows
from isim.profiler.footed_table import FootedTable
from isim.profiler.parquet_file import footer_text

SCHEMA_VERSION = "1"
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("time_ns", pa.int64(), nullable=False),
    pa.field("sm_clock_mhz", pa.float64()),
    pa.field("memory_clock_mhz", pa.float64()),
    pa.field("power_w", pa.float64()),
    pa.field("temperature_c", pa.float64()),
    pa.field("throttle_reasons", pa.int64()),  # bits as NVML's clocks event reasons; 0 = none, null = not reported
]
SCHEMA = pa.schema(_FIELDS)

# NVML's bits, by the names that nvidia-smi prints.
REASONS = {
    0x1: "gpu_idle",
    0x2: "applications_clocks_setting",
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
    0x100: "display_clocks_setting",
}
IDLE = 0x1
# Those under which a measurement is not one of the device as it was asked for; being idle is none of them.
THROTTLING = 0x4 | 0x8 | 0x20 | 0x40 | 0x80


class Sample(NamedTuple):
    """The state of a device at one time; None where it does not say.

    Examples
    --------
    >>> Sample(5, power_w=70.0).sm_clock_mhz is None
    True
    """

    time_ns: int
    sm_clock_mhz: float | None = None
    memory_clock_mhz: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    throttle_reasons: int | None = None


class Telemetry(FootedTable):
    """Hold samples in order of time and where they come from; made by `read` or `from_table`.

    Examples
    --------
    >>> telemetry = Telemetry.from_table(pa.table({"time_ns": [10, 0], "throttle_reasons": [4, 0]}), {})
    >>> telemetry.time_ns.tolist(), telemetry.throttle_reasons.tolist(), telemetry.sm_clock_mhz.tolist()
    ([0, 10], [0, 4], [nan, nan])
    """

    _key = "isim.telemetry"
    _what = "telemetry"
    _made_by = "'isim import profile nvidia-smi'"

    @classmethod
    def from_table(cls, table: pa.Table, footer: dict[str, Any], where: str = "telemetry") -> Self:
        """Check, sort by time and adopt `table`; optional columns it lacks are null.

        Raises
        ------
        ProfileError
            Anything is wrong with the columns, the values or the footer; all problems at once.
        """
        footer = {"schema": SCHEMA_VERSION, **footer}
        problems = []
        if footer["schema"] != SCHEMA_VERSION:
            problems.append(f"schema version {footer['schema']!r} is unknown; write the telemetry again")
        footer_json = footer_text(footer, problems)
        table, misfits = conformed(table, SCHEMA, "telemetry")
        problems += misfits
        if not misfits:
            table = table.sort_by("time_ns").combine_chunks()
            for name in SCHEMA.names[1:4] + SCHEMA.names[5:]:
                bad = int((table[name].combine_chunks().fill_null(0).to_numpy(zero_copy_only=False) < 0).sum())
                if bad:
                    problems.append(f"{name} is negative in {count_rows(bad)}; correct it")
        if problems:
            raise ProfileError(*(f"{where}: {problem}" for problem in problems))
        return cls(table, footer_json)

    @classmethod
    def from_samples(cls, samples: Sequence[Sample]) -> Self:
        """Adopt samples taken one by one.

        Examples
        --------
        >>> Telemetry.from_samples([Sample(5, power_w=70.0)]).table["power_w"].to_pylist()
        [70.0]
        """
        columns = zip(*samples, strict=True) if samples else [()] * len(SCHEMA)
        named = {field.name: pa.array(column, field.type) for field, column in zip(SCHEMA, columns, strict=True)}
        return cls.from_table(pa.table(named), {})

    @property
    def time_ns(self) -> npt.NDArray[np.int64]:
        """When each sample was taken, ascending."""
        return self.table["time_ns"].to_numpy()

    @property
    def sm_clock_mhz(self) -> npt.NDArray[np.float64]:
        """The clock of the SMs (a CPU's: of its cores); NaN where it was not reported."""
        return self.table["sm_clock_mhz"].combine_chunks().fill_null(np.nan).to_numpy(zero_copy_only=False)

    @property
    def throttle_reasons(self) -> npt.NDArray[np.int64]:
        """The bits of `REASONS`; 0 where none was reported."""
        return self.table["throttle_reasons"].combine_chunks().fill_null(0).to_numpy(zero_copy_only=False)
