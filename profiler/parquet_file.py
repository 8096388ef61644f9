"""Read and write a table with a JSON footer as a Parquet file: whole or not at all, equal content as equal bytes."""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isim.errors import ProfileError


def read_parquet(path: str | Path, key: str, what: str, advice: str) -> tuple[pa.Table, dict[str, Any]]:
    """Return the table and the footer under `key`.

    Parameters
    ----------
    what, advice
        How messages call such a file (`a profile`), and what makes one.

    Raises
    ------
    ProfileError
        The file is missing, damaged, not Parquet, or has no such footer.

    Examples
    --------
    >>> read_parquet("none.parquet", "isim.profile", "a profile", "write one with 'isim profile'")
    Traceback (most recent call last):
    isim.errors.ProfileError: none.parquet: no such file; write one with 'isim profile'
    """
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
        table.validate(full=True)  # text of a damaged file need not be text
    except FileNotFoundError:
        raise ProfileError(f"{path}: no such file; {advice}") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise ProfileError(f"{path}: not a readable Parquet file ({reason}); name {what}'s file") from None
    text = (table.schema.metadata or {}).get(key.encode())
    try:
        footer = json.loads(text) if text is not None else None
    except ValueError:
        footer = None
    if not isinstance(footer, dict):
        found = f"no footer {key!r}" if text is None else f"the footer {key!r} is not a JSON object"
        raise ProfileError(f"{path}: not {what} ({found}); {advice}")
    footer.setdefault("schema", None)  # a file must state its version; it is filled in only when one is made
    return table, footer


def write_parquet(path: str | Path, table: pa.Table, key: str, footer_json: str, force: bool) -> None:
    """Write the table with its footer under `key`.

    Raises
    ------
    ProfileError
        The file exists and `force` is false, or it cannot be written.

    Examples
    --------
    >>> write_parquet("t.parquet", pa.table({"x": [1, 2]}), "isim.profile", '{"origin": "imported"}', force=False)
    >>> read_parquet("t.parquet", "isim.profile", "a profile", "write one")[1]
    {'origin': 'imported', 'schema': None}
    """
    target = Path(path)
    if target.exists() and not force:
        raise ProfileError(f"{path}: exists already; choose another path or replace it with -f/--force")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    table = table.replace_schema_metadata({key.encode(): footer_json.encode()})
    try:
        with partial.open("wb") as file:
            pq.write_table(table, file, compression="zstd", version="2.6", write_page_checksum=True)
        partial.replace(target)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be written ({error.strerror or error}); choose another path") from None
    finally:
        with contextlib.suppress(OSError):  # where nothing can be written, nothing is left
            partial.unlink(missing_ok=True)


def digest(table: pa.Table, footer_json: str) -> str:
    """Return the SHA-256 of the content, whatever file or library version holds it.

    Examples
    --------
    >>> digest(pa.table({"x": [1]}), "{}") == digest(pa.table({"x": pa.chunked_array([[], [1]], pa.int64())}), "{}")
    True
    """
    sha256 = hashlib.sha256(footer_json.encode())
    for name in table.column_names:
        # JSON writes the shortest text that reads back as the same number, so equal content is equal text.
        sha256.update(json.dumps([name, table[name].to_pylist()]).encode())
    return sha256.hexdigest()


def footer_text(footer: dict[str, Any], problems: list[str]) -> str:
    """Return the footer as JSON; what is not JSON is added to `problems`.

    Examples
    --------
    >>> problems: list[str] = []
    >>> footer_text({"b": 1, "a": None}, problems), problems
    ('{"a": null, "b": 1}', [])
    """
    try:
        return json.dumps(footer, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        problems.append(f"the footer is not JSON ({error}); use text, numbers, lists and dictionaries")
        return "{}"
