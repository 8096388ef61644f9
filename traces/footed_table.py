"""A table and a JSON footer that says where it comes from: what a trace and rates are, in memory and as files."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.parquet_file import write_parquet
from isim.traces.schema import Row


class FootedTable(ABC):
    """Hold a checked table and its footer; a subclass checks what it adopts.

    Parameters
    ----------
    table
        Checked and sorted.
    footer_json
        The footer, checked, as JSON.

    Examples
    --------
    >>> from isim.traces.trace import Trace
    >>> trace = Trace.from_columns(arrival_ns=[0, 5], model="bert", duration_ns=10)
    >>> isinstance(trace, FootedTable), len(trace), trace.duration_ns, trace.footer["kind"]
    (True, 2, 10, 'requests')
    """

    def __init__(self, table: pa.Table, footer_json: str) -> None:
        self._table = table
        self._footer_json = footer_json

    @classmethod
    @abstractmethod
    def from_table(
        cls, table: pa.Table, footer: Mapping[str, Any], where: str = "", row: Row = "row {}".format
    ) -> Self:
        """Check, sort and adopt a table."""

    def write(self, path: str | Path, force: bool = False) -> None:
        """Write it as Parquet, whole or not at all; equal content gives equal bytes.

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
        """Return it with `columns` set anew, `footer` merged in and `operation` appended to its history."""
        kept: dict[str, Any] = {name: self._table[name] for name in self._table.column_names}
        old = self.footer
        history = [*old.get("history", []), dict(operation)]
        return self.from_table(pa.table({**kept, **columns}), {**old, **(footer or {}), "history": history})

    @property
    def table(self) -> pa.Table:
        """All rows, sorted, columns in the order of the schema."""
        return self._table

    @property
    def footer(self) -> dict[str, Any]:
        """Where it comes from: schema, kind, duration_ns, source, generator, history (a fresh copy)."""
        footer: dict[str, Any] = json.loads(self._footer_json)
        return footer

    @property
    def duration_ns(self) -> int:
        """How long arrivals were observed; rates refer to it."""
        return int(self.footer["duration_ns"])

    def __len__(self) -> int:
        return len(self._table)


def joined_columns(where: str, model: Any, **columns: Any) -> pa.Table:
    """Return columns as a table; one name for the model stands for all rows.

    Parameters
    ----------
    where
        What the error calls the table.

    Raises
    ------
    TraceError
        The columns differ in length, or one holds values of several types.

    Examples
    --------
    >>> joined_columns("trace", "bert", arrival_ns=[0, 5])["model"].to_pylist()
    ['bert', 'bert']
    >>> joined_columns("trace", ["bert"], arrival_ns=[0, 5])
    Traceback (most recent call last):
    isim.errors.TraceError: trace: not columns of equal length and one type each (...); correct them
    """
    first = next(iter(columns))
    if isinstance(model, str):
        model = pa.DictionaryArray.from_arrays(np.zeros(len(columns[first]), dtype=np.int32), pa.array([model]))
    try:
        return pa.table({first: columns.pop(first), "model": model, **columns})
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise TraceError(f"{where}: not columns of equal length and one type each ({error}); correct them") from None


def footer_text(footer: Mapping[str, Any], problems: list[str]) -> str:
    """Return the footer as JSON; what is not JSON is added to `problems`.

    Examples
    --------
    >>> problems: list[str] = []
    >>> footer_text({"kind": "requests", "duration_ns": 5}, problems), problems
    ('{"duration_ns": 5, "kind": "requests"}', [])
    """
    try:
        return json.dumps(footer, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        problems.append(f"the footer is not JSON ({error}); use text, numbers, lists and dictionaries")
        return "{}"
