"""Read and write the Parquet files of traces and rates: a JSON footer, row groups, whole or not at all."""

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isim.errors import TraceError
from isim.traces.schema import sorted_dictionary
from isim.traces.whole_file import whole_file

GROUP_ROWS = 1 << 20
"""Rows of a row group, and of the chunks in which a file is read: some tens of megabytes."""
_FOOTER = b"isim.trace"


def opened_parquet(path: Path) -> tuple[pq.ParquetFile, dict[str, Any]]:
    """Open a Parquet file and return it with its footer; a file without one is taken to be of this version.

    Raises
    ------
    TraceError
        The file is missing, not Parquet or something else of isim's, or its footer is not JSON.

    Examples
    --------
    >>> opened_parquet(Path("none.parquet"))
    Traceback (most recent call last):
    isim.errors.TraceError: none.parquet: no such file; make one with 'isim trace make' or 'isim import trace'
    """
    try:
        file = pq.ParquetFile(path, buffer_size=1 << 20)  # of a file with one vast row group, only pages are held
    except FileNotFoundError:
        raise TraceError(f"{path}: no such file; make one with 'isim trace make' or 'isim import trace'") from None
    except (OSError, pa.ArrowException) as error:
        raise unreadable_parquet(path, error) from None
    footers = file.schema_arrow.metadata or {}
    text = footers.get(_FOOTER)
    if text is None and (others := [key.decode()[5:] for key in footers if key.startswith(b"isim.")]):
        raise TraceError(f"{path}: is a {others[0]}, not a trace; give the file of a trace")
    try:
        footer = json.loads(text) if text is not None else {}
    except ValueError:
        footer = None
    if not isinstance(footer, dict):
        raise TraceError(f"{path}: the footer 'isim.trace' is not a JSON object; write the trace again")
    if text is not None:
        footer.setdefault("schema", None)
    return file, footer


def read_parquet(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Return the table and the footer of a Parquet file.

    Raises
    ------
    TraceError
        As `opened_parquet`, or the file is damaged.

    Examples
    --------
    >>> _ = write_parquet("t.parquet", [pa.table({"arrival_ns": [1, 2]})], '{"kind": "requests"}')
    >>> read_parquet(Path("t.parquet"))[1]["kind"]
    'requests'
    """
    file, footer = opened_parquet(path)
    try:
        return file.read().replace_schema_metadata(None), footer
    except (OSError, pa.ArrowException) as error:
        raise unreadable_parquet(path, error) from None


def unreadable_parquet(path: Path, error: Exception) -> TraceError:
    """Say in one sentence why a file cannot be read as Parquet.

    Examples
    --------
    >>> str(unreadable_parquet(Path("t.parquet"), OSError("no footer")))
    "t.parquet: not a readable Parquet file (no footer); convert it with 'isim import trace'"
    """
    reason = str(error).splitlines()[0]
    return TraceError(f"{path}: not a readable Parquet file ({reason}); convert it with 'isim import trace'")


def write_parquet(path: str | Path, tables: Iterable[pa.Table], footer_json: str, force: bool = False) -> int:
    """Write tables of one schema as one file, whole or not at all, and return the rows written.

    Equal rows give equal bytes, however they were divided into tables.

    Parameters
    ----------
    tables
        Each is encoded and let go before the next is asked for.
    force
        Replace an existing file.

    Raises
    ------
    TraceError
        The file exists and `force` is false, it cannot be written, or there are no rows.

    Examples
    --------
    >>> write_parquet("written.parquet", [pa.table({"arrival_ns": [1, 2]})], "{}")
    2
    >>> read_parquet(Path("written.parquet"))[0]["arrival_ns"].to_pylist()
    [1, 2]
    """
    rows = 0
    try:
        with whole_file(path, force) as file, contextlib.ExitStack() as stack:
            writer: pq.ParquetWriter | None = None
            for group in _groups(tables):
                writer = writer or stack.enter_context(_writer(file, group.schema, footer_json))
                writer.write_table(group, row_group_size=GROUP_ROWS)
                rows += len(group)
            if not rows:
                raise TraceError(f"{path}: nothing is left to write; keep more of the trace")
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise TraceError(f"{path}: cannot be written ({reason}); correct the columns") from None
    return rows


def _writer(file: Any, schema: pa.Schema, footer_json: str) -> pq.ParquetWriter:
    encodings: dict[str, Any] = {
        "use_dictionary": [field.name for field in schema if pa.types.is_dictionary(field.type)],
        "column_encoding": {f.name: "DELTA_BINARY_PACKED" for f in schema if pa.types.is_signed_integer(f.type)},
    }
    return pq.ParquetWriter(
        file, schema.with_metadata({_FOOTER: footer_json.encode()}), compression="zstd", **encodings
    )


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Divide anew into whole row groups, each with dictionaries of its own."""
    held: list[pa.Table] = []
    missing = GROUP_ROWS
    for table in tables:
        start = 0
        while len(table) - start >= missing:
            yield _compact([*held, table.slice(start, missing)])
            start, held, missing = start + missing, [], GROUP_ROWS
        if start < len(table):
            held.append(table.slice(start))
            missing -= len(table) - start
    if held:
        yield _compact(held)


def _compact(parts: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(parts)
    for index, field in enumerate(table.schema):
        column = table.column(index)
        array = sorted_dictionary(column) if pa.types.is_dictionary(field.type) else column.combine_chunks()
        table = table.set_column(index, field, array)
    return table
