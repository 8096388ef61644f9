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
from isim.traces.parquet_file import read_parquet, write_parquet
from isim.traces.schema import SCHEMA_VERSION, Row, conformed

# What a simulation may depend on; where the trace comes from does not change what it is.
_FOOTER_CONTENT = ("schema", "kind", "duration_ns", "models", "prefix_block_tokens")


class Trace:
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

    def __init__(self, table: pa.Table, footer_json: str) -> None:
        self._table = table
        self._footer_json = footer_json

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
        if isinstance(model, str):
            model = pa.DictionaryArray.from_arrays(np.zeros(len(arrival_ns), dtype=np.int32), pa.array([model]))
        try:
            table = pa.table({"arrival_ns": arrival_ns, "model": model, **columns})
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise TraceError(
                f"{where}: not columns of equal length and one type each ({error}); correct them"
            ) from None
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
        try:
            footer_json = json.dumps(footer, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            problems.append(f"the footer is not JSON ({error}); use text, numbers, lists and dictionaries")
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

    def write(self, path: str | Path, force: bool = False) -> None:
        """Write the trace as Parquet, whole or not at all; equal traces give equal bytes.

        Parameters
        ----------
        force
            Replace an existing file.

        Raises
        ------
        TraceError
            The file exists and `force` is false, or it cannot be written.
        """
        write_parquet(path, [self._table], self._footer_json, force)

    def revised(self, operation: Mapping[str, Any], footer: Mapping[str, Any] | None = None, **columns: Any) -> Self:
        """Return a trace with `columns` set anew, `footer` merged in and `operation` appended to its history."""
        kept: dict[str, Any] = {name: self._table[name] for name in self._table.column_names}
        old = self.footer
        return self.from_table(
            pa.table({**kept, **columns}),
            {**old, **(footer or {}), "history": [*old.get("history", []), dict(operation)]},
        )

    @property
    def table(self) -> pa.Table:
        """All requests, sorted by arrival_ns and request_id, columns in the order of the schema."""
        return self._table

    @property
    def footer(self) -> dict[str, Any]:
        """Where the trace comes from: schema, kind, duration_ns, source, generator, history (a fresh copy)."""
        footer: dict[str, Any] = json.loads(self._footer_json)
        return footer

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

    @property
    def duration_ns(self) -> int:
        """How long arrivals were observed; rates refer to it."""
        return int(self.footer["duration_ns"])

    def digest(self) -> str:
        """Return the SHA-256 of the requests and what gives them meaning, whatever file or source holds them."""
        footer = self.footer
        content = {key: footer[key] for key in _FOOTER_CONTENT if key in footer}
        sha256 = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
        for name in self._table.column_names:
            update(sha256, name, self._table[name])
        return sha256.hexdigest()

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"<Trace: {len(self)} requests to {', '.join(self.models)}>"

    @property
    def _models(self) -> Any:
        return self._table["model"].chunk(0)
