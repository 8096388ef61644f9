"""Azure Functions 2019: one row a function and day, one column a minute, how often it was invoked."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.delimited import header, opened, unreadable
from isim.traces.importers.recorded import reasons, source_of
from isim.traces.rates import Rates

KEYS = ("HashOwner", "HashApp", "HashFunction", "Trigger")
_MINUTES = 1440
_MINUTE_NS = 60_000_000_000
_SOURCE = {
    "name": "Azure Functions invocation trace 2019",
    "url": "https://github.com/Azure/AzurePublicDataset",
    "licence": "CC-BY-4.0",
    "citation": "Shahrad et al., Serverless in the Wild: Characterizing and Optimizing the Serverless Workload at a "
    "Large Cloud Provider, ATC 2020",
}


def read_azure_functions_2019(paths: Sequence[str | Path], model: str = "function") -> Rates:
    """Return the counts of one day or of several in a row, as rates; a minute without invocations is left out.

    The tenant is `owner/app/function`, since the name of a function alone is not unique; rows of one function on one
    day are added up. Invocations were counted when they ended.

    Parameters
    ----------
    paths
        A file a day, in order, plain or gzipped.
    model
        What the rates call the model; deal the tenants to models with a mapping.

    Raises
    ------
    TraceError
        A file is missing or of another format, or no row can be read.

    Examples
    --------
    >>> lines = ["HashOwner,HashApp,HashFunction,Trigger,1,2,3", "o,a,f,http,4,0,2"]
    >>> _ = Path("day.csv").write_text("\\n".join(lines))
    >>> rates = read_azure_functions_2019(["day.csv"])
    >>> rates.table["count"].to_pylist(), [ns // 10**9 for ns in rates.table["start_ns"].to_pylist()]
    ([4, 2], [0, 120])
    """
    dropped: Counter[str] = Counter()
    tenants: dict[str, int] = {}
    triggers: list[str] = []
    parts: list[npt.NDArray[np.int64]] = []
    rows, sources = 0, []
    for day, path in enumerate(map(Path, paths)):
        _check_header(path)
        before, good = dropped.copy(), 0
        for cells in _rows(path, dropped):
            counts = _counts(cells[len(KEYS) :])
            if counts is None:
                dropped["a count not readable"] += 1
                continue
            tenant = tenants.setdefault("/".join(cells[:3]), len(tenants))
            if tenant == len(triggers):
                triggers.append(cells[3])
            minutes = np.flatnonzero(counts)
            part = np.stack([np.full_like(minutes, tenant), minutes + day * _MINUTES, counts[minutes]])
            parts.append(part)
            good += 1
        day_rows = good + (dropped - before).total()
        rows += day_rows
        sources.append(source_of(path, {}, day_rows, dropped - before))
    where = ", ".join(map(str, paths))
    if not parts or not sum(part.shape[1] for part in parts):
        raise TraceError(f"{where}: no invocation can be read ({reasons(dropped)}); check the file")
    return _rates(np.concatenate(parts, axis=1), list(tenants), triggers, model, len(sources), where, {
        **_SOURCE, "files": sources, "rows_in": rows, "rows_dropped": dict(dropped)
    })  # fmt: skip


def _rates(
    counted: npt.NDArray[np.int64],
    tenants: list[str],
    triggers: list[str],
    model: str,
    days: int,
    where: str,
    source: dict[str, Any],
) -> Rates:
    codes, minutes, counts = counted
    key, which = np.unique(codes * (days * _MINUTES) + minutes, return_inverse=True)
    total = np.bincount(which, counts).astype(np.int64)
    tenant, minute = (part.astype(np.int32) for part in np.divmod(key, days * _MINUTES))
    footer = {"duration_ns": days * _MINUTES * _MINUTE_NS, "time_resolution_ns": _MINUTE_NS, "source": source}
    return Rates.from_columns(
        start_ns=minute * np.int64(_MINUTE_NS),
        width_ns=_MINUTE_NS,
        model=model,
        footer=footer,
        where=where,
        tenant=pa.DictionaryArray.from_arrays(tenant, pa.array(tenants)),
        count=total,
        x_row=tenant.astype(np.int64),
        x_trigger=pa.DictionaryArray.from_arrays(tenant, pa.array(triggers)),
    )


def _check_header(path: Path) -> None:
    names = header(path)
    if names[: len(KEYS)] != list(KEYS) or names[len(KEYS) :] != [str(n + 1) for n in range(len(names) - len(KEYS))]:
        found = f"has: {', '.join(names[:6])}, ..."
        raise TraceError(
            f"{path}: not an Azure Functions trace of 2019 ({found}); its columns are {', '.join(KEYS)}, 1, 2, ..."
        )


def _rows(path: Path, dropped: "Counter[str]") -> Iterator[list[str]]:
    columns = len(header(path))
    with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        try:
            lines = csv.reader(text)
            next(lines)
            for cells in lines:
                if len(cells) == columns:
                    yield cells
                elif cells:
                    dropped["wrong number of columns"] += 1
        except (OSError, EOFError, ValueError, csv.Error) as error:
            raise unreadable(path, error) from None


def _counts(cells: list[str]) -> npt.NDArray[np.int64] | None:
    try:
        counts = np.array(cells).astype(np.int64)
    except ValueError:
        return None
    return counts if (counts >= 0).all() else None
