"""Divide a trace into parts that together are the whole."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.streams import stream
from isim.traces.trace import Trace


def split_by(trace: Trace, column: str) -> dict[str, Trace]:
    """Return one trace for each value of a column, such as `model` or `tenant`, by the value as text.

    Every part keeps the clock, the observed time and the ids of the whole.

    Raises
    ------
    TraceError
        There is no such column, it is empty in some requests, or requests wait for some of another part.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 1, 2], model=["b", "a", "b"])
    >>> {name: part.arrival_ns.tolist() for name, part in split_by(trace, "model").items()}
    {'a': [1], 'b': [0, 2]}
    """
    if column not in trace.table.column_names:
        has = ", ".join(trace.table.column_names)
        raise TraceError(f"split: no column {column!r} (has: {has}); choose one of these")
    values: Any = trace.table[column].combine_chunks()
    if values.null_count:
        raise TraceError(f"split: column {column!r} is empty in {values.null_count} requests; choose another column")
    if pa.types.is_list(values.type):
        raise TraceError(f"split: column {column!r} holds lists; choose another column")
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    names = [str(value) for value in encoded.dictionary.to_pylist()]
    parts = _parts(trace, encoded.indices.to_numpy(), len(names), {"by": column}, None)
    return dict(sorted(zip(names, parts, strict=True)))


def split_at_random(trace: Trace, shares: Mapping[str, float], seed: int) -> dict[str, Trace]:
    """Return parts to which each request goes with a probability in proportion to its share.

    Parameters
    ----------
    shares
        Names of the parts and weights > 0.
    seed
        Of the choice.

    Raises
    ------
    TraceError
        A share is not positive, a part stays empty, or requests wait for some of another part.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=range(10), model="a")
    >>> {name: len(part) for name, part in split_at_random(trace, {"train": 4, "test": 1}, seed=1).items()}
    {'train': 7, 'test': 3}
    """
    weights = np.array(list(shares.values()), dtype=float)
    if not len(weights) or not (np.isfinite(weights) & (weights > 0)).all():
        raise TraceError(f"split: every part needs a share > 0 (found {dict(shares)}); give it one")
    if math.isinf(sum(shares.values())):
        raise TraceError(f"split: the shares add up to no finite number (found {dict(shares)}); make them smaller")
    codes = stream(seed, "split").choice(len(weights), size=len(trace), p=weights / weights.sum())
    parts = _parts(trace, codes, len(weights), {"shares": dict(shares)}, seed)
    return dict(zip(shares, parts, strict=True))


def _parts(
    trace: Trace, codes: npt.NDArray[Any], number: int, params: Mapping[str, Any], seed: int | None
) -> list[Trace]:
    counts = np.bincount(codes, minlength=number)
    if not counts.all():
        raise TraceError(f"split: {int((counts == 0).sum())} of {number} parts hold no request; make fewer parts")
    if "parent_id" in trace.table.column_names:
        _check_families(trace, codes)
    parts = []
    for code in range(number):
        operation: dict[str, Any] = {"op": "split", "params": {**params, "part": code, "of": number}}
        if seed is not None:
            operation["seed"] = seed
        history = [*trace.footer.get("history", []), operation]
        part = trace.table.filter(pa.array(codes == code))
        parts.append(Trace.from_table(part, {**trace.footer, "history": history}))
    return parts


def _check_families(trace: Trace, codes: npt.NDArray[Any]) -> None:
    ids = trace.table["request_id"].to_numpy()
    column = trace.table["parent_id"].combine_chunks()
    parents = column.fill_null(int(ids[0])).to_numpy()
    by_id = np.argsort(ids)
    at = by_id[np.searchsorted(ids[by_id], parents).clip(max=len(ids) - 1)]
    has = ~column.is_null().to_numpy(zero_copy_only=False) & (ids[at] == parents)
    torn = int((has & (codes[at] != codes)).sum())
    if torn:
        raise TraceError(f"split: {torn} requests wait for one of another part (parent_id); split by session_id")


def file_names(parts: Iterable[str]) -> dict[str, str]:
    """Return a name of a file for each part: its own where that can be one, and no two the same.

    Examples
    --------
    >>> file_names(["bert", "a/b", "a?b"])
    {'bert': 'bert.parquet', 'a/b': 'a-b.parquet', 'a?b': 'a-b-2.parquet'}
    """
    names: dict[str, str] = {}
    for part in parts:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", part)[:80].strip(".") or "part"
        name, number = f"{stem}.parquet", 2
        while name.lower() in map(str.lower, names.values()):
            name, number = f"{stem}-{number}.parquet", number + 1
        names[part] = name
    return names
