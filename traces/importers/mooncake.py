"""Mooncake's traces of Kimi, JSON lines: timestamp, input_length, output_length, hash_ids."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isim.errors import TraceError
from isim.traces.clock_grid import clock_grid_ns
from isim.traces.importers.json_lines import read_json_lines
from isim.traces.importers.recorded import TOKENS, recorded
from isim.traces.trace import Trace

COLUMNS = ("timestamp", "input_length", "output_length", "hash_ids")
_MILLISECONDS = r"^\d{1,13}(\.0)?$"
_SOURCE = {
    "name": "Mooncake trace",
    "url": "https://github.com/kvcache-ai/Mooncake",
    "licence": "Apache-2.0",
    "citation": "Qin et al., Mooncake: Trading More Storage for Less Computation, FAST 2025",
}


def read_mooncake(path: str | Path, model: str = "llm") -> Trace:
    """Return a Mooncake trace, plain or gzipped; prefixes are blocks of 512 tokens.

    Time 0 is that of the file. Its conversations were stamped by a clock of 3 s, so that about ten requests come at
    once: the footer's `time_resolution_ns` is what `clock_grid_ns` finds.

    Parameters
    ----------
    model
        What the trace calls the model, which the file does not name.

    Raises
    ------
    TraceError
        The file is missing, of another format, or has no row that can be read.

    Examples
    --------
    >>> line = '{"timestamp": 3000, "input_length": 700, "output_length": 20, "hash_ids": [0, 1]}'
    >>> _ = Path("mooncake.jsonl").write_text(line)
    >>> trace = read_mooncake("mooncake.jsonl")
    >>> trace.arrival_ns / 1e9, trace.table["prefix_blocks"].to_pylist()
    (array([3.]), [[0, 1]])
    """
    path = Path(path)
    dropped: Counter[str] = Counter()
    table, _ = read_json_lines(path, dropped)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        found = f"no field {', '.join(missing)}; has: {', '.join(table.column_names)}"
        raise TraceError(f"{path}: not a Mooncake trace ({found}); name its fields with 'isim import trace jsonl'")
    for name, pattern in zip(COLUMNS[:3], (_MILLISECONDS, TOKENS, TOKENS), strict=True):
        text: Any = table[name].cast(pa.string())
        readable: Any = pc.match_substring_regex(pc.fill_null(text, ""), pattern)
        if unreadable := len(table) - (pc.sum(readable).as_py() or 0):
            dropped[f"{name} not readable"] += unreadable
            table = table.filter(readable)
    time_ns = table["timestamp"].cast(pa.float64()).to_numpy().astype(np.int64) * 1_000_000
    return recorded(
        path,
        _SOURCE,
        time_ns,
        dropped,
        model=model,
        tick_ns=clock_grid_ns(np.sort(time_ns)) or 1_000_000,
        origin_ns=0,
        further={"prefix_block_tokens": 512},
        input_tokens=table["input_length"].cast(pa.int32()),
        output_tokens=table["output_length"].cast(pa.int32()),
        prefix_blocks=table["hash_ids"],
    )
