"""A trace: which request arrives when, for which model."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isim.errors import TraceError
from isim.traces.check_trace import footer_problems, table_problems
from isim.traces.delimited import read_delimited, time_ns
from isim.traces.digest import update
from isim.traces.footed_table import FootedTable, footer_text, joined_columns
from isim.traces.parquet_file import read_parquet
from isim.traces.schema import SCHEMA_VERSION, Row, conformed

# What a simulation may depend on; where the trace comes from does not change what it is.
_FOOTER_CONTENT = ("schema", "kind", "duration_ns", "models", "prefix_block_tokens")


class Trace(FootedTable):
    """Hold requests in order of arrival and where they come from; made by `read`, `from_columns` or `from_table`.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 5, 5], model=["bert", "bert", "resnet50"], duration_ns=10)
    >>> len(trace), trace.models, trace.duration_ns
    (3, ('bert', 'resnet50'), 10)
    >>> trace.write("trace.parquet")
    >>> read = Trace.read("trace.parquet")
    >>> read.arrival_ns, read.model_codes, read.table.column_names
    (array([0, 5, 5]), array([0, 0, 1], dtype=int32), ['arrival_ns', 'model', 'request_id'])
    >>> read.digest() == trace.digest(), read.footer
    (True, {'duration_ns': 10, 'kind': 'requests', 'schema': '1'})
    >>> late = trace.revised({"op": "delay"}, {"duration_ns": 12}, arrival_ns=trace.arrival_ns + 2)
    >>> late.arrival_ns, late.footer["history"]
    (array([2, 7, 7]), [{'op': 'delay'}])
    """

    @classmethod
    def from_columns(
        cls,
        *,
        arrival_ns: Any,
        model: Any,
        duration_ns: int | None = None,
        footer: Mapping[str, Any] | None = None,
        where: str = "trace",
        **columns: Any,
    ) -> Self:
        """Check and adopt columns, sorted by arrival.

        Parameters
        ----------
        arrival_ns
            Nanoseconds since the start of the trace, ascending.
        model
            The model of each request, or one name for all.
        duration_ns
            How long arrivals were observed; the last arrival if not given.
        footer
            Where the trace comes from.
        where
            What the errors call the trace, such as its path.
        columns
            Optional columns of the schema, and any `x_...`.

        Raises
        ------
        TraceError
            Anything is wrong; all problems at once.

        Examples
        --------
        >>> Trace.from_columns(arrival_ns=[0, 5], model="bert", batch=[1, 0])
        Traceback (most recent call last):
        isim.errors.TraceError: trace: batch must be >= 1 (found 0 in row 1); correct it
        """
        table = joined_columns(where, model, arrival_ns=arrival_ns, **columns)
        footer = dict(footer or {})
        if duration_ns is not None:
            footer["duration_ns"] = int(duration_ns)
        return cls.from_table(table, footer, where)

    @classmethod
    def from_table(
        cls, table: pa.Table, footer: Mapping[str, Any], where: str = "trace", row: Row = "row {}".format
    ) -> Self:
        """Check and adopt a table; of the footer, schema, kind and duration_ns are filled in if absent.

        Raises
        ------
        TraceError
            Anything is wrong with the columns, the values or the footer; all problems at once.

        Examples
        --------
        >>> Trace.from_table(pa.table({"arrival_ns": [0, 7], "model": ["bert", "bert"]}), {}).duration_ns
        7
        """
        footer = {"schema": SCHEMA_VERSION, "kind": "requests", **footer}
        if footer["kind"] != "requests":  # its columns are others: to say so of each would tell nothing
            raise TraceError(*(f"{where}: {problem}" for problem in footer_problems({"duration_ns": 0, **footer})))
        table, problems = conformed(table, row)
        if "duration_ns" not in footer:
            last: Any = pc.max(table["arrival_ns"]).as_py() if "arrival_ns" in table.column_names else None
            footer["duration_ns"] = max(last or 0, 0)
        problems = [*footer_problems(footer), *problems, *table_problems(table, footer.get("duration_ns"), row)]
        footer_json = footer_text(footer, problems)
        if problems:
            raise TraceError(*(f"{where}: {problem}" for problem in problems))
        return cls(table, footer_json)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read and check a trace: Parquet, or CSV with `arrival_s` or `arrival_ns`, `model` and optional columns.

        Raises
        ------
        TraceError
            The file is missing, of another format, or its content is wrong; all problems at once.
        """
        path = Path(path)
        if path.name.removesuffix(".gz").endswith(".csv"):
            return cls._read_csv(path)
        table, footer = read_parquet(path)
        return cls.from_table(table, footer, str(path))

    @classmethod
    def _read_csv(cls, path: Path) -> Self:
        table = read_delimited(path)
        names = table.column_names
        if "arrival_s" in names:
            table = table.set_column(names.index("arrival_s"), "arrival_ns", time_ns(path, table, "arrival_s", "s"))
        return cls.from_table(table, {}, str(path), lambda row: f"line {row + 2}")

    @property
    def arrival_ns(self) -> npt.NDArray[np.int64]:
        """When each request arrives, ascending."""
        return self._table["arrival_ns"].to_numpy()

    @property
    def model_codes(self) -> npt.NDArray[np.int32]:
        """The position in `models` of each request's model."""
        codes: npt.NDArray[np.int32] = self._models.indices.to_numpy()
        return codes

    @property
    def models(self) -> tuple[str, ...]:
        """The models requested, sorted."""
        return tuple(self._models.dictionary.to_pylist())

    def digest(self) -> str:
        """Return the SHA-256 of the requests and what gives them meaning, whatever file or source holds them."""
        footer = self.footer
        content = {key: footer[key] for key in _FOOTER_CONTENT if key in footer}
        sha256 = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
        for name in self._table.column_names:
            update(sha256, name, self._table[name])
        return sha256.hexdigest()

    def __repr__(self) -> str:
        return f"<Trace: {len(self)} requests to {', '.join(self.models)}>"

    @property
    def _models(self) -> Any:
        return self._table["model"].chunk(0)
