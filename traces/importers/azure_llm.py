"""Azure's traces of LLM inference: TIMESTAMP, ContextTokens, GeneratedTokens, of 2023 and 2024."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from isim.errors import TraceError
from isim.traces.delimited import header, opened, unreadable
from isim.traces.trace import Trace

_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIMESTAMP = rf"^{_DAY}[ T]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,9}})?(Z|\+00:00)?$"
_Integers = npt.NDArray[np.int64]
_TOKENS = r"^\d{1,9}$"
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
    """
    path = Path(path)
    names = header(path)
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise TraceError(
            f"{path}: not an Azure LLM inference trace (no column {', '.join(missing)}; has: {', '.join(names)}); "
            "name its columns with 'isim import trace csv'"
        )
    dropped: Counter[str] = Counter()
    nothing = np.empty(0, dtype=np.int64)
    try:
        blocks = [(nothing, nothing, nothing), *(_read_block(block, dropped) for block in _blocks(path, dropped))]
    except (pa.ArrowException, OSError, EOFError) as error:
        raise unreadable(path, error) from None
    time_ns, context, generated = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    rows_in = len(time_ns) + dropped.total()
    if not len(time_ns):
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(dropped.items())) or "no rows"
        raise TraceError(f"{path}: no row can be read ({reasons}); check the file")
    order = np.argsort(time_ns, kind="stable")
    first_ns, last_ns = int(time_ns[order[0]]), int(time_ns[order[-1]])
    epoch = np.datetime_as_string(np.datetime64(first_ns, "ns"))
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    source = {
        **_SOURCE,
        "citation": _CITATIONS.get(epoch[:4], "see the url"),
        "file": path.name,
        "sha256": sha256,
        "rows_in": rows_in,
        "rows_dropped": dict(dropped),
    }
    return Trace.from_columns(
        arrival_ns=time_ns[order] - first_ns,
        model=model,
        duration_ns=last_ns - first_ns,
        footer={"epoch": str(epoch), "time_resolution_ns": 100, "source": source},
        where=str(path),
        input_tokens=context[order],
        output_tokens=generated[order],
    )


def _blocks(path: Path, dropped: "Counter[str]") -> Iterator[pa.RecordBatch]:
    """Read a part at a time: the file of 2024 has 27 million rows."""

    def drop(row: pacsv.InvalidRow) -> Literal["skip"]:
        dropped["wrong number of columns"] += 1
        return "skip"

    with opened(path) as file:
        yield from pacsv.open_csv(
            file,
            read_options=pacsv.ReadOptions(block_size=1 << 24),
            parse_options=pacsv.ParseOptions(invalid_row_handler=drop),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(_COLUMNS), column_types=dict.fromkeys(_COLUMNS, pa.string())
            ),
        )


def _read_block(block: Any, dropped: "Counter[str]") -> tuple[_Integers, _Integers, _Integers]:
    for column, (name, pattern) in enumerate(zip(_COLUMNS, (_TIMESTAMP, _TOKENS, _TOKENS), strict=True)):
        readable = pc.match_substring_regex(block.column(column), pattern)
        unreadable_rows = len(block) - readable.true_count
        if unreadable_rows:
            dropped[f"{name} not readable"] += unreadable_rows
            block = block.filter(readable)
    local = pc.replace_substring_regex(block.column(0), r"(Z|\+00:00)$", "")  # only some rows name the zone
    time_ns = local.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy()
    context, generated = (block.column(column).cast(pa.int64()).to_numpy() for column in (1, 2))
    return time_ns, context, generated
