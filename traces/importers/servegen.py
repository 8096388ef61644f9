"""ServeGen: files of clients, each a row a window with its rate, CV and law, without a header."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isim.errors import TraceError
from isim.traces.importers.recorded import NUMBER, readable_blocks, reasons, source_of
from isim.traces.rates import Rates

_COLUMNS = ("start", "rate", "cv", "pattern", "shape", "scale")
_NUMBER_OR_NOTHING = rf"{NUMBER}|^$"
_WIDTH_NS = 600_000_000_000
_SOURCE = {
    "name": "ServeGen",
    "url": "https://github.com/alibaba/ServeGen",
    "licence": "Apache-2.0",
    "citation": "Xiang et al., ServeGen: Workload Characterization and Generation of Large Language Model Serving in "
    "Production, 2025",
}


def read_servegen(paths: Sequence[str | Path], model: str = "llm") -> Rates:
    """Return the windows of one client or several, as rates; an idle window is left out.

    The tenant is the part of the file's name before `-trace`. Rate and CV are those recorded; the fitted shape and
    scale are kept beside them, but do not always agree with them.

    Parameters
    ----------
    paths
        A file a client, plain or gzipped.
    model
        What the rates call the model.

    Raises
    ------
    TraceError
        A file is missing or of another format, or no window can be read.

    Examples
    --------
    >>> _ = Path("chunk-1-trace.csv").write_text("0,1.5,2.0,Gamma,0.25,2.67\\n600,0,0,,,\\n")
    >>> rates = read_servegen(["chunk-1-trace.csv"])
    >>> rates.rate_rps, rates.duration_ns / 1e9, rates.table["tenant"].to_pylist()
    (array([1.5]), 1200.0, ['chunk-1'])
    """
    dropped: Counter[str] = Counter()
    columns: dict[str, Any] = {name: [] for name in ("start_ns", "rate_rps", "cv", "dist", "shape", "scale_s")}
    tenants: list[str] = []
    sources, windows, end_ns = [], 0, 0
    for path in map(Path, paths):
        before, own_windows = dropped.copy(), 0
        for row in _rows(path, dropped):
            own_windows += 1
            end_ns = max(end_ns, row["start_ns"] + _WIDTH_NS)
            if row["rate_rps"] > 0:
                tenants.append(path.name.partition(".")[0].removesuffix("-trace"))
                for name, value in row.items():
                    columns[name].append(value)
        windows += own_windows
        sources.append(source_of(path, {}, own_windows + (dropped - before).total(), dropped - before))
    where = ", ".join(map(str, paths))
    if not tenants:
        raise TraceError(f"{where}: no window with arrivals ({reasons(dropped)}); check the file")
    source = {**_SOURCE, "files": sources, "rows_in": windows + dropped.total(), "rows_dropped": dict(dropped)}
    footer = {"duration_ns": end_ns, "source": {**source, "idle_windows": windows - len(tenants)}}
    return Rates.from_columns(
        width_ns=_WIDTH_NS,
        model=model,
        footer=footer,
        where=where,
        tenant=tenants,
        x_row=np.arange(len(tenants)),
        **columns,
    )


def _rows(path: Path, dropped: "Counter[str]") -> list[dict[str, Any]]:
    patterns = dict(
        zip(_COLUMNS, (r"^\d+(\.0*)?$", NUMBER, NUMBER, "^(Gamma|Weibull|)$", *[_NUMBER_OR_NOTHING] * 2), strict=True)
    )
    rows, seen = [], set()
    for block in readable_blocks(path, patterns, dropped, "a client of ServeGen", headless=_COLUMNS):
        for start, rate, cv, pattern, shape, scale in zip(*(block[name].to_pylist() for name in _COLUMNS), strict=True):
            start_ns = int(float(start)) * 10**9
            if start_ns in seen or start_ns % _WIDTH_NS:
                dropped["a window listed twice, or off the grid of 600 s"] += 1
                continue
            seen.add(start_ns)
            rows.append(
                {
                    "start_ns": start_ns,
                    "rate_rps": float(rate),
                    "cv": float(cv),
                    "dist": pattern.lower() or None,
                    "shape": float(shape) if shape and pattern else None,
                    "scale_s": float(scale) if scale and pattern else None,
                }
            )
    if not rows:
        raise TraceError(f"{path}: not a client of ServeGen ({reasons(dropped)}); check the file")
    return rows


def is_servegen(line: str) -> bool:
    """Say whether the first line of a file could be a window of a client.

    Examples
    --------
    >>> is_servegen("0,1.3316,8.598,Weibull,0.3753,0.3967"), is_servegen("a,b,c,d,e,f")
    (True, False)
    """
    cells = line.strip().split(",")
    return len(cells) == len(_COLUMNS) and cells[3] in ("Gamma", "Weibull", "") and cells[0].isdecimal()
