"""Bring a table to a schema: the same columns in the same order with the same types, or say what prevents it."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa


def conformed(table: pa.Table, schema: pa.Schema, what: str) -> tuple[pa.Table, list[str]]:
    """Return `table` with the schema's columns and types, and what prevents it; absent optional columns become null.

    Parameters
    ----------
    what
        What messages call such a table: `a profile`.

    Examples
    --------
    >>> schema = pa.schema([pa.field("time_ns", pa.int64(), nullable=False), pa.field("power_w", pa.float64())])
    >>> conformed(pa.table({"time_ns": [1]}), schema, "telemetry")[0].column_names
    ['time_ns', 'power_w']
    >>> conformed(pa.table({"power": [1.5]}), schema, "telemetry")[1][0]
    "column 'power' is not part of telemetry; did you mean 'power_w'?"
    """
    problems = []
    has = ", ".join(table.column_names) or "no columns"
    for name in table.column_names:
        if name not in schema.names:
            near = difflib.get_close_matches(name, schema.names, 1)
            advice = f"did you mean {near[0]!r}?" if near else "remove it"
            problems.append(f"column {name!r} is not part of {what}; {advice}")
    for name in (field.name for field in schema if not field.nullable):
        if name not in table.column_names:
            problems.append(f"no column {name!r} (has: {has}); add it")
    if len(set(table.column_names)) < len(table.column_names):
        problems.append(f"a column appears twice (has: {has}); keep one of each")
    if problems:
        return table, problems
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.chunked_array([pa.nulls(len(table), field.type)]))
            continue
        column = table[field.name]
        try:
            columns.append(column.cast(field.type))
        except pa.ArrowException as error:
            problems.append(f"column {field.name!r} is not {field.type} (found {column.type}: {error}); convert it")
            continue
        if not field.nullable and column.null_count:
            problems.append(f"column {field.name!r} is empty in {count_rows(column.null_count)}; fill it in")
    return (table if problems else pa.Table.from_arrays(columns, schema=schema)), problems


def count_rows(count: int) -> str:
    """Say how many rows.

    Examples
    --------
    >>> count_rows(1), count_rows(3)
    ('1 row', '3 rows')
    """
    return "1 row" if count == 1 else f"{count} rows"


def footer_problems(footer: Mapping[str, Any], what: str, version: str, origins: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with a footer: an unknown schema version or origin.

    Examples
    --------
    >>> list(footer_problems({"schema": "0", "origin": "measured"}, "the profile", "1", ["measured"]))
    ["schema version '0' is unknown (this isim reads '1'); write the profile again with this version"]
    """
    if footer.get("schema") != version:
        yield (
            f"schema version {footer.get('schema')!r} is unknown (this isim reads {version!r}); "
            f"write {what} again with this version"
        )
    if footer.get("origin") not in origins:
        yield f"origin is unknown (found {footer.get('origin')!r}); state one of {', '.join(origins)}"
