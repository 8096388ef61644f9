"""Rates: how many requests came in which window, or how fast they come; to be expanded into a trace with a seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isim.errors import TraceError
from isim.traces.check_rates import overlap_problems, stream_codes, window_problems
from isim.traces.check_trace import footer_problems
from isim.traces.footed_table import FootedTable, footer_text, joined_columns
from isim.traces.parquet_file import read_parquet
from isim.traces.schema import SCHEMA_VERSION, Row, conformed_rates


class Rates(FootedTable):
    """Hold windows of arrivals, sorted by (start_ns, model, tenant); a time in no window has no arrivals.

    Examples
    --------
    >>> rates = Rates.from_columns(start_ns=[0, 10**9], width_ns=10**9, model="bert", count=[3, 5])
    >>> len(rates), rates.duration_ns, rates.rate_rps
    (2, 2000000000, array([3., 5.]))
    >>> rates.numbers("count"), rates.text("model").to_pylist(), rates.models, rates.streams
    (array([3., 5.]), ['bert', 'bert'], ('bert',), array([0, 0]))
    >>> rates.mean_rate_rps, rates.footer["duration_ns"], rates.table.column_names
    (4.0, 2000000000, ['start_ns', 'width_ns', 'model', 'count'])
    >>> rates.write("rates.parquet")
    >>> Rates.read("rates.parquet").revised({"op": "double"}, count=[6, 10]).rate_rps
    array([ 6., 10.])
    """

    @classmethod
    def from_columns(
        cls,
        *,
        start_ns: Any,
        width_ns: Any,
        model: Any,
        footer: Mapping[str, Any] | None = None,
        where: str = "rates",
        **columns: Any,
    ) -> Self:
        """Check and adopt columns; windows may come in any order.

        Parameters
        ----------
        start_ns, width_ns
            Of each window, in ns since the start of the trace; one width may stand for all.
        model
            The model of each window, or one name for all.
        columns
            Others of the schema: `count` or `rate_rps`, and any.

        Raises
        ------
        TraceError
            Anything is wrong; all problems at once.

        Examples
        --------
        >>> Rates.from_columns(start_ns=[10, 0], width_ns=10, model="bert", count=[1, 2]).numbers("count")
        array([2., 1.])
        """
        if isinstance(width_ns, int):
            width_ns = np.full(len(start_ns), width_ns)
        table = joined_columns(where, model, start_ns=start_ns, width_ns=width_ns, **columns)
        return cls.from_table(table, footer or {}, where)

    @classmethod
    def from_table(
        cls, table: pa.Table, footer: Mapping[str, Any], where: str = "rates", row: Row = "row {}".format
    ) -> Self:
        """Check, sort and adopt a table; of the footer, schema, kind and duration_ns are filled in if absent.

        Raises
        ------
        TraceError
            Anything is wrong; all problems at once.

        Examples
        --------
        >>> windows = pa.table({"start_ns": [0], "width_ns": [10**9], "model": ["bert"], "rate_rps": [2.5]})
        >>> Rates.from_table(windows, {}).mean_rate_rps
        2.5
        """
        footer = {"schema": SCHEMA_VERSION, "kind": "rates", **footer}
        if footer["kind"] != "rates":  # its columns are others: to say so of each would tell nothing
            problems = list(footer_problems({"duration_ns": 0, **footer}, "rates"))
            raise TraceError(*(f"{where}: {problem}" for problem in problems))
        table, problems = conformed_rates(table, row)
        if "duration_ns" not in footer:
            known = {"start_ns", "width_ns"} <= set(table.column_names)
            end: Any = pc.max(pc.add(table["start_ns"], table["width_ns"])).as_py() if known else None
            footer["duration_ns"] = max(end or 0, 0)
        problems = [*footer_problems(footer, "rates"), *problems, *window_problems(table, footer["duration_ns"], row)]
        footer_json = footer_text(footer, problems)
        if not problems:
            table = _sorted(table)
            problems = list(overlap_problems(table))
        if problems:
            raise TraceError(*(f"{where}: {problem}" for problem in problems))
        return cls(table, footer_json)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read and check a rates file (Parquet).

        Raises
        ------
        TraceError
            The file is missing, of another kind, or its content is wrong; all problems at once.
        """
        table, footer = read_parquet(Path(path))
        return cls.from_table(table, {"kind": "requests", **footer}, str(path))

    @property
    def models(self) -> tuple[str, ...]:
        """The models, sorted."""
        return tuple(self.text("model").dictionary.to_pylist())

    @property
    def rate_rps(self) -> npt.NDArray[np.float64]:
        """The rate of each window: as given, or its count over its width."""
        given, counted = self.numbers("rate_rps"), self.numbers("count") / (self.numbers("width_ns") / 1e9)
        return np.where(np.isnan(given), counted, given)

    @property
    def mean_rate_rps(self) -> float:
        """The requests expected of all windows over the observed time."""
        return float((self.rate_rps * self.numbers("width_ns")).sum() / self.duration_ns)

    @property
    def streams(self) -> npt.NDArray[np.int64]:
        """The number of each window's stream, that is of its pair of model and tenant, in the order of their names."""
        return stream_codes(self._table)

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column as numbers, NaN where there is no value."""
        if name not in self._table.column_names:
            return np.full(len(self), np.nan)
        return np.asarray(self._table[name].cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)

    def text(self, name: str) -> Any:
        """Return a column of text as one dictionary array; all null if there is no such column."""
        if name not in self._table.column_names:
            return pa.array([None] * len(self), pa.string()).dictionary_encode()
        return self._table[name].combine_chunks()

    def __repr__(self) -> str:
        return f"<Rates: {len(self)} windows of {', '.join(self.models)}>"


def _sorted(table: pa.Table) -> pa.Table:
    keys: Any = [(name, "ascending") for name in ("start_ns", "model", "tenant") if name in table.column_names]
    decoded = table.select([name for name, _ in keys])
    for index, (name, _) in enumerate(keys):
        if pa.types.is_dictionary(decoded.schema.field(index).type):
            codes: Any = decoded[name].combine_chunks()
            decoded = decoded.set_column(index, name, codes.indices)  # dictionaries are sorted: codes sort alike
    return table.take(pc.sort_indices(decoded, sort_keys=keys)).combine_chunks()
