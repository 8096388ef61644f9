"""A co-location recording: executions of batches beside others, and alone in turn with them."""

from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from isim.errors import ProfileError
from isim.profiler.check_recording import table_problems
from isim.profiler.conform import conformed, footer_problems
from isim.profiler.footed_table import FootedTable
from isim.profiler.parquet_file import footer_text
from isim.profiler.recording_schema import KEY, ORIGINS, SCHEMA, SCHEMA_VERSION


class Recording(FootedTable):
    """Hold measured executions and where they come from; made by `read` or `from_table`.

    Examples
    --------
    >>> table = pa.table({
    ...     "experiment": [0, 0], "sharing": ["streams"] * 2, "member": [0, 1], "model": ["a", "b"],
    ...     "batch_size": [1, 4], "sm_share": [1.0, 1.0], "start_ns": [0, 10], "finish_ns": [300, 210],
    ...     "solo_ns": [200, 100], "counted": [True, True],
    ... })
    >>> recording = Recording.from_table(table, {"origin": "imported", "licence": "CC0-1.0"})
    >>> recording.table["slowdown"].to_pylist()
    [1.5, 2.0]
    """

    _key = "isim.colocation"
    _what = "a co-location recording"
    _made_by = "'isim profile --colocate' or 'isim import recording'"

    @classmethod
    def from_table(cls, table: pa.Table, footer: dict[str, Any], where: str = "recording") -> Self:
        """Check, sort and adopt `table`; absent optional columns are null.

        An absent `slowdown` is computed, and without `statistic` each row is one execution.

        Parameters
        ----------
        footer
            `origin` (measured, imported, simulated) and whatever says how: provenance, device facts, licence.
        where
            What the errors call the table, such as its path.

        Raises
        ------
        ProfileError
            Anything is wrong with the columns, the values or the footer; all problems at once.
        """
        footer = {"schema": SCHEMA_VERSION, **footer}
        problems = list(footer_problems(footer, "the recording", SCHEMA_VERSION, ORIGINS))
        footer_json = footer_text(footer, problems)
        computed = "slowdown" not in table.column_names
        if "statistic" not in table.column_names:
            table = table.append_column("statistic", pa.array(["execution"] * len(table), pa.string()))
        table, misfits = conformed(table, SCHEMA, "a recording")
        if not misfits:
            table = table.sort_by([(name, "ascending") for name in KEY]).combine_chunks()
            if computed:
                duration_ns = pc.subtract(table["finish_ns"], table["start_ns"]).cast(pa.float64())
                slowdown = pc.divide(duration_ns, table["solo_ns"].cast(pa.float64()))
                table = table.set_column(SCHEMA.names.index("slowdown"), SCHEMA.field("slowdown"), slowdown)
            misfits = list(table_problems(table))
        if problems + misfits:
            raise ProfileError(*(f"{where}: {problem}" for problem in problems + misfits))
        return cls(table, footer_json)
