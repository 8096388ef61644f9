"""Find everything that is wrong with a table of rates."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.traces.check_trace import rows_named
from isim.traces.schema import Row

LAWS = ("poisson", "gamma", "weibull", "on-off", "mmpp")
"""What may stand in the column `dist`."""


def window_problems(table: pa.Table, duration_ns: Any, row: Row) -> Iterator[str]:
    """Yield what is wrong with windows that conform to the schema."""
    if not {"start_ns", "width_ns", "model"} <= set(table.column_names):
        return
    if not len(table):
        yield "no windows; rates need at least one"
        return
    for name in ("start_ns", "width_ns", "model"):
        if table[name].null_count:
            yield f"column {name!r} is empty in {rows_named(table[name].is_null().to_numpy(), row)}; fill it in"
            return
    least = {"start_ns": 0, "width_ns": 1, "count": 0, "rate_rps": 0, "cv": 0, "burst_ratio": 0, "burst_share": 0}
    for name, lowest in least.items():
        if name in table.column_names:
            values = _filled(table, name, lowest)
            if (bad := ~((values >= lowest) & np.isfinite(values))).any():
                found = f"found {values[bad][0]:g} in {rows_named(bad, row)}"
                yield f"{name} must be >= {lowest} and finite ({found}); correct it"
    nothing = np.ones(len(table), dtype=bool)
    for name in ("count", "rate_rps"):
        if name in table.column_names:
            nothing &= table[name].is_null().to_numpy()
    if nothing.any():
        yield f"neither count nor rate_rps in {rows_named(nothing, row)}; give one of them"
    if "dist" in table.column_names:
        named: Any = table["dist"].unique().drop_null().to_pylist()
        unknown = sorted(set(named) - set(LAWS))
        if unknown:
            yield f"no law called {unknown[0]!r} in column 'dist'; choose one of {', '.join(LAWS)}"
        yield from _burst_problems(table, row)
    ends = table["start_ns"].to_numpy() + table["width_ns"].to_numpy()
    if isinstance(duration_ns, int) and (late := ends > duration_ns).any():
        found = f"found {ends[late][0]} ns in {rows_named(late, row)}"
        yield f"windows end after the observed {duration_ns} ns ({found}); raise duration_ns or cut the rates"


def _burst_problems(table: pa.Table, row: Row) -> Iterator[str]:
    lacks = np.zeros(len(table), dtype=bool)
    for name in ("burst_share", "cycle_s"):
        lacks |= ~(_filled(table, name, 0) > 0) if name in table.column_names else True
    lacks &= np.isin(table["dist"].to_numpy(), ("mmpp", "on-off"))
    if lacks.any():
        law = table["dist"][int(lacks.argmax())].as_py()
        yield f"{law} needs burst_share and cycle_s in {rows_named(lacks, row)}; give them, or another law"
    if "burst_share" in table.column_names and (much := _filled(table, "burst_share", 0) > 1).any():
        found = f"found {_filled(table, 'burst_share', 0)[much][0]:g} in {rows_named(much, row)}"
        yield f"burst_share must be at most 1 ({found}); correct it"


def _filled(table: pa.Table, name: str, value: int) -> npt.NDArray[np.float64]:
    column: Any = table[name].cast(pa.float64(), safe=False)  # times since 1970 in ns are beyond 2^53
    return np.asarray(column.fill_null(value).to_numpy(), dtype=np.float64)


def stream_codes(table: pa.Table) -> npt.NDArray[np.int64]:
    """Number the streams, that is the pairs of model and tenant, of the windows; in the order of their names.

    Examples
    --------
    >>> stream_codes(pa.table({"model": pa.array(["a", "b", "a"]).dictionary_encode()})).tolist()
    [0, 1, 0]
    """
    codes = np.zeros(len(table), dtype=np.int64)
    for name in ("model", "tenant"):
        if name in table.column_names:
            column: Any = table[name].combine_chunks()
            codes = codes * (len(column.dictionary) + 1) + column.indices.fill_null(-1).to_numpy() + 1
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def overlap_problems(table: pa.Table) -> Iterator[str]:
    """Yield whether a stream has two windows at one time; the windows are sorted by their start."""
    starts, widths, codes = table["start_ns"].to_numpy(), table["width_ns"].to_numpy(), stream_codes(table)
    order = np.argsort(codes, kind="stable")
    same = codes[order][1:] == codes[order][:-1]
    bad = same & (starts[order][1:] < (starts + widths)[order][:-1])
    if bad.any():
        at = int(order[1:][bad][0])
        yield (
            f"windows of {table['model'][at].as_py()!r} overlap (found one from {starts[at]} ns on); "
            "give every stream one window at a time"
        )
