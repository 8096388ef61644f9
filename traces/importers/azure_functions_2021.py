"""Azure Functions 2021: app, func, end_timestamp, duration, one row an invocation."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.delimited import to_ns
from isim.traces.importers.recorded import NUMBER, readable_blocks, recorded
from isim.traces.trace import Trace

COLUMNS = ("app", "func", "end_timestamp", "duration")
_SOURCE = {
    "name": "Azure Functions invocation trace 2021",
    "url": "https://github.com/Azure/AzurePublicDataset",
    "licence": "CC-BY-4.0",
    "citation": "Zhang et al., Faster and Cheaper Serverless Computing on Harvested Resources, SOSP 2021",
}


def read_azure_functions_2021(path: str | Path, model: str = "function") -> Trace:
    """Return the invocations in order of their start, which is the end less the duration; time 0 is the first start.

    The tenant is `app/function`, since a function's name is unique only inside its app. The duration is kept as what
    the source recorded, and is not the service time of anything.

    Parameters
    ----------
    model
        What the trace calls the model; deal the tenants to models with a mapping.

    Raises
    ------
    TraceError
        The file is missing, of another format, or has no row that can be read.

    Examples
    --------
    >>> _ = Path("2021.csv").write_text("app,func,end_timestamp,duration\\na,f,7.5,0.5\\na,g,6.5,0.25\\n")
    >>> trace = read_azure_functions_2021("2021.csv")
    >>> trace.arrival_ns / 1e9, trace.table["tenant"].to_pylist()
    (array([0.  , 0.75]), ['a/g', 'a/f'])
    """
    path = Path(path)
    dropped: Counter[str] = Counter()
    patterns = dict(zip(COLUMNS, (r"\S", r"\S", NUMBER, NUMBER), strict=True))
    tenants: list[Any] = []
    starts: list[Any] = [np.empty(0, dtype=np.int64)]
    durations: list[Any] = [np.empty(0, dtype=np.int64)]
    for block in readable_blocks(path, patterns, dropped, "an Azure Functions trace of 2021"):
        try:
            end_ns, duration_ns = (to_ns(block[name], "s").to_numpy() for name in COLUMNS[2:])
        except pa.ArrowException as error:
            reason = str(error).splitlines()[0]
            raise TraceError(f"{path}: a time is too large ({reason}); check that times are in seconds") from None
        starts.append(end_ns - duration_ns)
        durations.append(duration_ns)
        tenants.append(_tenants(block))
    text: Any = pa.dictionary(pa.int32(), pa.string())
    return recorded(
        path,
        _SOURCE,
        np.concatenate(starts),
        dropped,
        model=model,
        tick_ns=1,
        tenant=pa.chunked_array(tenants, text),
        rec_latency_ns=np.concatenate(durations),
    )


def _tenants(block: pa.Table) -> Any:
    """Join the names of app and function once for each pair: there are few, and they are long."""
    app, func = (_encoded(block[name]) for name in ("app", "func"))
    pair = app.indices.to_numpy().astype(np.int64) * len(func.dictionary) + func.indices.to_numpy()
    pairs, codes = np.unique(pair, return_inverse=True)
    apps, funcs = app.dictionary.to_pylist(), func.dictionary.to_pylist()
    names = [f"{apps[code // len(funcs)]}/{funcs[code % len(funcs)]}" for code in pairs]
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array(names, pa.string()))


def _encoded(column: Any) -> Any:
    return column.combine_chunks().dictionary_encode()
