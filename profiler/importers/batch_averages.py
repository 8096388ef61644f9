"""Import what others measured of whole batches, not of their kernels: iGniter's and Gpulet's solo tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from isim import __version__
from isim.profiler.importers.recordings.csv_table import CsvTable, Line, raise_problems, read_tables
from isim.profiler.importers.recordings.gpulet import FACTS as GPULET
from isim.profiler.importers.recordings.igniter import FACTS as IGNITER
from isim.profiler.profile import Profile
from isim.profiler.schema import SCHEMA

_KEY = ("model", "batch", "mps_percent")
_UTILISATIONS = {
    "igniter": {"l2_throughput_pct": "l2", "dram_throughput_pct": "dram"},
    "gpulet": {"l2_pct": "l2", "memory_pct": "dram"},
}
_FACTS = {"igniter": IGNITER, "gpulet": GPULET}
FORMATS = tuple(_FACTS)

_Key = tuple[str, int, float]


def read_batch_averages(paths: Sequence[str | Path], source: str) -> Profile:
    """Read tables of one row a (model, batch size, SM share), as a profile of one operation a batch.

    A batch is one operation with its mean latency and utilisations, and the footer says `granularity: batch`: enough
    for predictors that know averages, not for a simulation of kernels.

    Parameters
    ----------
    paths
        Tables with the columns `model`, `batch`, `mps_percent`, and a latency or utilisations.
    source
        Whose columns they have, one of `FORMATS`.

    Raises
    ------
    ProfileError
        Anything is wrong with the files; all problems at once.

    Examples
    --------
    >>> _ = Path("solo.csv").write_text("model,batch,mps_percent,latency_ms\\nbert,8,100,12.5\\n")
    >>> profile = read_batch_averages(["solo.csv"], "igniter")
    >>> profile.solo_ns("bert", 8), profile.footer["granularity"]
    (12500000, 'batch')
    """
    tables, problems = read_tables(paths), list[str]()
    latency_ns: dict[_Key, float] = {}
    utilisations: dict[_Key, dict[str, float]] = {}
    for table in tables:
        read = {column: name for column, name in _UTILISATIONS[source].items() if column in table.header}
        if not read and not {"latency_ms", "throughput_per_s"} & set(table.header):
            problems.append(
                f"{table.path}: neither latencies nor utilisations (has: {', '.join(table.header)}); name solo.csv"
                + (" and utilisation.csv" if source == "gpulet" else "")
            )
            continue
        for line in table.lines(*_KEY):
            key = table.text(line, "model"), table.whole(line, "batch"), table.share(line, "mps_percent")
            if (duration_ns := _latency_ns(table, line, key[1])) is not None:
                latency_ns[key] = duration_ns
            utilisations.setdefault(key, {}).update(_shares(table, line, read))
    if not problems and not latency_ns:
        problems.append(f"{source}: no latency in {', '.join(map(str, paths))}; name solo.csv as well")
    raise_problems(tables, problems)
    rows = [_row(key, latency_ns[key], utilisations.get(key, {})) for key in sorted(latency_ns)]
    footer = {
        **_FACTS[source],
        "origin": "imported",
        "granularity": "batch",
        "method": "means of whole batches measured by others; one operation a batch",
        "versions": {"isim": __version__},
        "files": [table.facts for table in tables],
        "columns": _UTILISATIONS[source],
    }
    return Profile.from_table(pa.Table.from_pylist(rows, schema=SCHEMA), footer, f"what {source} files hold")


def _latency_ns(table: CsvTable, line: Line, batch_size: int) -> float | None:
    if "latency_ms" in table.header:
        latency_ms = table.positive(line, "latency_ms")
        return None if latency_ms is None else latency_ms * 1e6
    if "throughput_per_s" in table.header:  # Gpulet's column of latencies is rounded to microseconds
        per_s = table.positive(line, "throughput_per_s")
        return None if per_s is None else batch_size / per_s * 1e9
    return None


def _shares(table: CsvTable, line: Line, read: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for column, name in read.items():
        percent = table.positive(line, column, or_zero=True)
        if percent is None:
            continue
        if percent > 100:
            table.reject(line, column, "above its peak")
        found[name] = percent / 100
    return found


def _row(key: _Key, duration_ns: float, shares: Mapping[str, float]) -> dict[str, Any]:
    model, batch_size, sm_share = key
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    row |= {"model": model, "batch_size": batch_size, "sm_share": sm_share, "position": 0, "kind": "kernel"}
    return row | {"name": "batch", "duration_ns": round(duration_ns), "gap_ns": 0, **shares}
