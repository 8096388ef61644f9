"""Azure's traces of LLM inference: TIMESTAMP, ContextTokens, GeneratedTokens, of 2023 and 2024."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isim.traces.importers.recorded import TOKENS, readable_blocks, recorded
from isim.traces.trace import Trace

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIMESTAMP = rf"^{_DAY}[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,9}})?(Z|\+00:00)?$"
_SOURCE = {
    "name": "Azure LLM inference trace",
    "url": "https://github.com/Azure/AzurePublicDataset",
    "licence": "CC-BY-4.0",
}
_CITATIONS = {
    "2023": "Patel et al., Splitwise: Efficient Generative LLM Inference Using Phase Splitting, ISCA 2024",
    "2024": "Stojkovic et al., DynamoLLM: Designing LLM Inference Clusters for Performance and Energy Efficiency, "
    "HPCA 2025",
}


def read_azure_llm(path: str | Path, model: str = "llm") -> Trace:
    """Return an Azure LLM inference trace, plain or gzipped, of either year.

    Time starts at the first arrival and the observation window ends with the last, since the files state neither.
    Rows without a readable time or token count are dropped; the footer's `source` counts them by reason.

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
    >>> lines = ["TIMESTAMP,ContextTokens,GeneratedTokens", "2023-11-16 18:15:46.5,374,44", "2023-11-16 18:15:47.0,9,1"]
    >>> _ = Path("code.csv").write_text("\\n".join(lines))
    >>> trace = read_azure_llm("code.csv")
    >>> trace.arrival_ns / 1e9, trace.table["output_tokens"].to_pylist()
    (array([0. , 0.5]), [44, 1])
    """
    path = Path(path)
    dropped: Counter[str] = Counter()
    nothing = np.empty(0, dtype=np.int64)
    blocks: list[tuple[Any, ...]] = [(nothing, nothing, nothing)]
    patterns = dict(zip(COLUMNS, (_TIMESTAMP, TOKENS, TOKENS), strict=True))
    for block in readable_blocks(path, patterns, dropped, "an Azure LLM inference trace"):
        blocks.append(_read_block(block, dropped))
    time_ns, context, generated = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    epoch = str(np.datetime_as_string(np.datetime64(int(time_ns.min()), "ns"))) if len(time_ns) else ""
    facts = {**_SOURCE, "citation": _CITATIONS.get(epoch[:4], "see the url")}
    columns: dict[str, Any] = {"input_tokens": context, "output_tokens": generated}
    return recorded(path, facts, time_ns, dropped, model=model, tick_ns=100, further={"epoch": epoch}, **columns)


def _read_block(block: pa.Table, dropped: "Counter[str]") -> tuple[Any, ...]:
    local: Any = pc.replace_substring_regex(block[COLUMNS[0]], r"(Z|\+00:00)$", "")  # only some rows name the zone
    try:
        times = local.cast(pa.timestamp("ns"))
    except pa.ArrowInvalid:  # 30 February, say
        real = [_is_time(text) for text in local.to_pylist()]
        dropped[f"{COLUMNS[0]} not readable"] += real.count(False)
        block, times = block.filter(pa.array(real)), local.filter(pa.array(real)).cast(pa.timestamp("ns"))
    return times.cast(pa.int64()).to_numpy(), *(block[name].cast(pa.int64()).to_numpy() for name in COLUMNS[1:])


def _is_time(text: str) -> bool:
    try:
        np.datetime64(text.replace(" ", "T"), "ns")
    except ValueError:
        return False
    return True
