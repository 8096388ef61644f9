"""BurstGPT: requests to ChatGPT and GPT-4 of a campus; files 1 and 2, and 3 with sessions and latencies."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isim.errors import TraceError
from isim.traces.delimited import header, to_ns
from isim.traces.importers.recorded import ANYTHING, NUMBER, TOKENS, readable_blocks, recorded
from isim.traces.trace import Trace

COLUMNS = ("Timestamp", "Model", "Request tokens", "Response tokens", "Log Type")
_SOURCE = {
    "name": "BurstGPT",
    "url": "https://github.com/HPMLL/BurstGPT",
    "licence": "CC-BY-4.0",
    "citation": "Wang et al., BurstGPT: A Real-World Workload Dataset to Optimize LLM Serving Systems, KDD 2025",
}


def read_burstgpt(path: str | Path, drop_failed: bool = False) -> Trace:
    """Return a file of BurstGPT, plain or gzipped; models and classes are those of the file.

    Time 0 is midnight of the first day, as in the file. A response of 0 tokens is a failure: its `rec_status` says so.

    Parameters
    ----------
    drop_failed
        Leave failures out; they are counted.

    Raises
    ------
    TraceError
        The file is missing, of another format, or has no row that can be read.

    Examples
    --------
    >>> lines = [",".join(COLUMNS), "5,ChatGPT,472,18,Conversation log", "9,GPT-4,10,0,API log"]
    >>> _ = Path("burst.csv").write_text("\\n".join(lines))
    >>> trace = read_burstgpt("burst.csv")
    >>> trace.models, trace.arrival_ns / 1e9, trace.table["rec_status"].to_pylist()
    (('ChatGPT', 'GPT-4'), array([5., 9.]), ['succeeded', 'failed'])
    """
    path = Path(path)
    has = header(path)
    patterns = dict(zip(COLUMNS, (NUMBER, r"\S", TOKENS, TOKENS, ANYTHING), strict=True))
    extras = {name: NUMBER for name in ("Session ID", "Elapsed time") if name in has}
    dropped: Counter[str] = Counter()
    blocks = list(readable_blocks(path, patterns | extras, dropped, "a file of BurstGPT"))
    table = (
        pa.concat_tables(blocks) if blocks else pa.table(dict.fromkeys((*patterns, *extras), pa.array([], pa.string())))
    )
    response = table["Response tokens"].cast(pa.int32())
    failed: Any = pc.equal(response, pa.scalar(0, pa.int32()))
    if drop_failed:
        dropped["failed (no response)"] += failed.combine_chunks().true_count
        table, response = table.filter(pc.invert(failed)), response.filter(pc.invert(failed))
        failed = failed.filter(pc.invert(failed))
    columns: dict[str, Any] = {
        "input_tokens": table["Request tokens"].cast(pa.int32()),
        "output_tokens": response,
        "class": table["Log Type"],
        "rec_status": pc.if_else(failed, pa.scalar("failed"), pa.scalar("succeeded")),
    }
    try:
        time_ns = to_ns(table["Timestamp"], "s").to_numpy()
        if "Session ID" in extras:
            columns["session_id"] = table["Session ID"].cast(pa.int64())
        if "Elapsed time" in extras:
            columns["rec_latency_ns"] = to_ns(table["Elapsed time"], "s")
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise TraceError(f"{path}: a time or session is no number that fits ({reason}); check the file") from None
    tick_ns = 10**9 if not len(time_ns) or not (time_ns % 10**9).any() else 1
    return recorded(
        path, _SOURCE, np.asarray(time_ns), dropped, model=table["Model"], tick_ns=tick_ns, origin_ns=0, **columns
    )
