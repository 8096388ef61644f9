"""Give the requests of traces and rates other models, dealing out whole sources or single requests."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.deal import check_deal, deal, deal_part
from isim.traces.rates import Rates
from isim.traces.streams import stream
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream


def map_models(
    trace: Trace,
    weights: Mapping[str, float],
    how: str = "stripes",
    *,
    by: str | None = None,
    order: str = "file",
    seed: int = 0,
) -> Trace:
    """Return the trace with its requests dealt to models; arrivals and all other columns stay as they are.

    Parameters
    ----------
    by
        The column whose distinct values are the sources, in order of first appearance, such as `tenant`: all requests
        of one go to one model. By default each request is its own.
    weights, how, order, seed
        As of `deal`.

    Raises
    ------
    TraceError
        There is no such way or column, or the weights do not fit.

    Examples
    --------
    >>> trace = Trace.from_columns(arrival_ns=[0, 1, 2], model="llm", duration_ns=3)
    >>> map_models(trace, {"resnet50": 1, "bert": 1}).table["model"].to_pylist()
    ['resnet50', 'bert', 'resnet50']
    """
    return map_stream(TraceStream.of(trace), weights, how, by=by, order=order, seed=seed).collected()


def map_stream(
    trace: TraceStream,
    weights: Mapping[str, float],
    how: str = "stripes",
    *,
    by: str | None = None,
    order: str = "file",
    seed: int = 0,
) -> TraceStream:
    """Return the stream with its requests dealt to models, as `map_models`.

    The trace is read an additional time where it must be known how many there are: by a column, and for blocks.

    Raises
    ------
    TraceError
        As `map_models`.

    Examples
    --------
    >>> stream = TraceStream.of(Trace.from_columns(arrival_ns=[0, 1, 2], model="llm"))
    >>> [chunk["model"].to_pylist() for chunk in map_stream(stream, {"resnet50": 1, "bert": 1}, "blocks")]
    [['resnet50', 'resnet50', 'bert']]
    """
    check_deal(weights, how, order)
    names = pa.array(list(weights))
    if by is None:
        total = trace.survey().requests if how == "blocks" else 0
    else:
        dealt = deal(_requests_by_source(trace, by), weights, how, order, seed)

    def opened() -> Iterator[pa.Table]:
        first, sources, rng = 0, _Sources(by or ""), stream(seed, "mapping")
        for chunk in trace:
            if by is None:
                codes = deal_part(first, len(chunk), total, weights, how, rng)
            else:
                codes = dealt[sources.numbered(chunk)]
            first += len(chunk)
            model = pa.DictionaryArray.from_arrays(codes, names)
            yield chunk.set_column(chunk.column_names.index("model"), "model", model)

    mapping = _mapping(weights, how, by or "request", order, seed)
    return trace.changed({"op": "map", "params": mapping}, opened, mapping=mapping)


def map_rates(
    rates: Rates, weights: Mapping[str, float], how: str = "stripes", *, order: str = "file", seed: int = 0
) -> Rates:
    """Return rates with every tenant, such as a function, dealt to a model; tenants stay apart.

    Parameters
    ----------
    weights, how, order, seed
        As of `deal`; a tenant's requests are its counts, or its rates times their windows. The order of the file is
        that of the column `x_row`, which importers write; without one, that of the names.

    Raises
    ------
    TraceError
        The rates name no tenants, there is no such way, or the weights do not fit.

    Examples
    --------
    >>> rates = Rates.from_columns(start_ns=[0] * 3, width_ns=60, model="f", tenant=["x", "y", "z"], count=[1, 5, 3])
    >>> mapped = map_rates(rates, {"a": 1, "b": 1}, "blocks", order="popularity").table
    >>> dict(zip(mapped["tenant"].to_pylist(), mapped["model"].to_pylist(), strict=True))
    {'y': 'a', 'z': 'a', 'x': 'b'}
    """
    tenant = rates.text("tenant")
    if tenant.null_count:
        raise TraceError("mapping: the rates name no tenants to deal to models; import them by tenant")
    named, tenants = tenant.indices.to_numpy(), len(tenant.dictionary)
    place = np.full(tenants, np.inf)
    np.minimum.at(place, named, np.nan_to_num(rates.numbers("x_row")))  # where the source lists them, if it does
    source = np.argsort(np.argsort(place, kind="stable"))[named]
    requests = np.bincount(source, rates.rate_rps * rates.numbers("width_ns") / 1e9, minlength=tenants)
    codes = deal(requests, weights, how, order, seed)
    mapping = _mapping(weights, how, "tenant", order, seed)
    model = pa.DictionaryArray.from_arrays(codes[source], pa.array(list(weights)))
    return rates.revised({"op": "map", "params": mapping}, {"mapping": mapping}, model=model)


def _mapping(weights: Mapping[str, float], how: str, by: str, order: str, seed: int) -> dict[str, Any]:
    return {
        "how": how,
        "by": by,
        "order": order,
        "models": dict(weights),
        "seed": seed if how == "weights" else None,
    }


class _Sources:
    """Number sources in the order in which they first appear."""

    def __init__(self, by: str) -> None:
        self.by = by
        self.numbers: dict[Any, int] = {}

    def numbered(self, chunk: pa.Table) -> npt.NDArray[np.int64]:
        if self.by not in chunk.column_names:
            has = ", ".join(chunk.column_names)
            raise TraceError(f"mapping: no column {self.by!r} (has: {has}); choose one of these")
        column: Any = chunk[self.by].combine_chunks()
        if column.null_count:
            raise TraceError(f"mapping: column {self.by!r} is empty in {column.null_count} rows; choose another column")
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        encoded = column.dictionary_encode()  # in order of first appearance
        local = [self.numbers.setdefault(value, len(self.numbers)) for value in encoded.dictionary.to_pylist()]
        return np.asarray(np.array(local, dtype=np.int64)[encoded.indices.to_numpy()])


def _requests_by_source(trace: TraceStream, by: str) -> npt.NDArray[np.int64]:
    sources, counts = _Sources(by), np.zeros(0, dtype=np.int64)
    for chunk in trace:
        more = np.bincount(sources.numbered(chunk), minlength=len(sources.numbers))
        more[: len(counts)] += counts
        counts = more
    return counts
