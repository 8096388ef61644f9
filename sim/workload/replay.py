"""A trace replayed."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa

from isim.clock import snap_s
from isim.errors import TraceError
from isim.policies.policy import Request
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream

_UNBOUNDED_NS = 2.0**61
"""An objective of 73 years and more is none; sums with arrivals stay within 64 bits below it."""
_CHUNK = 1 << 14


class Replay:
    """Replay a trace; a request with a parent arrives `think_ns` after the parent's end, but not before its time.

    A parent that is refused has ended, too. Only a trace with parents costs more than reading it.

    Parameters
    ----------
    trace
        Requests in order of arrival; a stream is read once now, and once more whenever it is opened.
    slo_s
        SLO by model, for requests that carry none; the key "*" stands for every other model.
    where
        How to name the trace in errors.

    Raises
    ------
    TraceError
        A parent is no request of the trace, or requests wait for each other; all problems at once. Or a stream is
        no valid trace.
    """

    def __init__(
        self, trace: Trace | TraceStream, slo_s: Mapping[str, float] | None = None, where: str = "trace"
    ) -> None:
        self.trace = trace
        self.slo_s = dict(slo_s or {})
        self.reacts = False
        self._most: dict[str, int] = {}
        for table in self._tables():
            self._survey(table)
        self.most_samples: Mapping[str, int] = dict(sorted(self._most.items()))
        self._children: dict[int, list[tuple[Request, float]]] = {}
        if self.reacts:
            _check_parents(self._tables(), where)

    @property
    def models(self) -> Sequence[str]:
        """Every model of the trace."""
        return tuple(self.most_samples)

    def open(self) -> Iterator[Request]:
        """Yield the trace's requests; those with a parent are kept until it ends."""
        if not self.reacts:
            for table in self._tables():
                yield from self._requests(table)
            return
        self._children = {}
        for table in self._tables():
            self._keep(table.filter(table["parent_id"].is_valid()))
        for table in self._tables():
            yield from self._requests(table.filter(table["parent_id"].is_null()))

    def follow_up(self, ended: Request, now_s: float) -> Iterable[Request]:
        """Return the requests that have this one as their parent."""
        return [_moved(child, snap_s(now_s + think_s)) for child, think_s in self._children.pop(ended.request_id, ())]

    def kept_back(self, awaited: Iterable[Request]) -> Iterable[Request]:
        """Return the requests that did not arrive: awaited ones, and those whose parent never ended."""
        return [*awaited, *(child for children in self._children.values() for child, _ in children)]

    def _tables(self) -> Iterator[pa.Table]:
        """Yield the trace, whole or chunk by chunk."""
        return iter([self.trace.table] if isinstance(self.trace, Trace) else self.trace)

    def _survey(self, table: pa.Table) -> None:
        """Note the models, the largest request to each, and whether any has a parent."""
        if "parent_id" in table.column_names:
            self.reacts |= table["parent_id"].null_count < len(table)
        model: Any = table["model"].combine_chunks()
        batch: Any = table["batch"] if "batch" in table.column_names else None
        samples: Any = 1 if batch is None else batch.fill_null(1).to_numpy()
        most = np.zeros(len(model.dictionary), dtype=np.int64)
        np.maximum.at(most, model.indices.to_numpy(), samples)
        for name, largest in zip(model.dictionary.to_pylist(), most.tolist(), strict=True):
            if largest:
                self._most[name] = max(largest, self._most.get(name, 0))

    def _keep(self, children: pa.Table) -> None:
        parents: list[Any] = children["parent_id"].to_pylist()
        for request, parent, think_s in zip(self._requests(children), parents, _think_s(children), strict=True):
            self._children.setdefault(parent, []).append((request, think_s))

    def _requests(self, table: pa.Table) -> Iterator[Request]:
        for start in range(0, table.num_rows, _CHUNK):
            chunk = table.slice(start, _CHUNK).combine_chunks()
            model: Any = chunk["model"].chunk(0)
            names, codes = model.dictionary.to_pylist(), model.indices.to_numpy()
            arrival_ns = chunk["arrival_ns"].to_numpy()
            default_s = self.slo_s.get("*", math.inf)
            slo_ns = np.array([self.slo_s.get(name, default_s) for name in names])[codes] * 1e9
            if "slo_ns" in chunk.column_names:
                own_ns = np.asarray(chunk["slo_ns"].to_numpy(), dtype=np.float64)
                slo_ns = np.where(np.isnan(own_ns), slo_ns, own_ns)
            unbounded = slo_ns >= _UNBOUNDED_NS
            finite_ns = np.where(unbounded, 0.0, slo_ns).round().astype(np.int64)
            deadline_s = np.where(unbounded, np.inf, (arrival_ns + finite_ns) / 1e9)
            optional: Iterator[Any] = (
                [default if value is None else value for value in chunk[name].to_pylist()]
                if name in chunk.column_names
                else repeat(default, chunk.num_rows)
                for name, default in (("priority", 0), ("batch", 1), ("work", 1.0))
            )
            columns: list[Any] = [
                chunk["request_id"].to_numpy().tolist(),
                [names[code] for code in codes.tolist()],
                (arrival_ns / 1e9).tolist(),
                deadline_s.tolist(),
            ]
            yield from map(Request._make, zip(*columns, *optional, strict=True))


def _think_s(table: pa.Table) -> list[float]:
    if "think_ns" not in table.column_names:
        return [0.0] * table.num_rows
    return [(think_ns or 0) / 1e9 for think_ns in table["think_ns"].to_pylist()]


def _moved(request: Request, earliest_s: float) -> Request:
    """Return a request that arrives no earlier than a time, its objective unchanged."""
    if earliest_s <= request.arrived_s:
        return request
    objective_s = request.deadline_s - request.arrived_s
    deadline_s = snap_s(earliest_s + objective_s) if objective_s < math.inf else math.inf
    return request._replace(arrived_s=earliest_s, deadline_s=deadline_s)


def _check_parents(tables: Iterable[pa.Table], where: str) -> None:
    table = pa.concat_tables([table.select(["request_id", "parent_id"]) for table in tables])
    column: Any = table["parent_id"]
    ids, parents = table["request_id"].to_numpy(), column.fill_null(-1).to_numpy()
    child = column.is_valid().to_numpy()
    order = np.argsort(ids, kind="stable")
    at = order[np.minimum(np.searchsorted(ids[order], parents), len(ids) - 1)]
    problems = []
    if (orphan := child & (ids[at] != parents)).any():
        first = int(orphan.argmax())
        problems.append(
            f"{where}: parent_id names no request of the trace (found {parents[first]} in request {ids[first]}"
            + (f" and {orphan.sum() - 1} more" if orphan.sum() > 1 else "")
            + "); correct it, or leave it empty"
        )
    ancestor = np.where(child & ~orphan, at, -1)
    for _ in range(len(ids).bit_length()):  # each round goes twice as far back; who still has ancestors is in a circle
        ancestor = np.where(ancestor >= 0, ancestor[ancestor], -1)
    if (circular := ancestor >= 0).any():
        some = ", ".join(map(str, ids[circular][:3]))
        problems.append(
            f"{where}: requests wait for each other as parents (found {circular.sum()}, such as {some}); "
            "break the circle"
        )
    if problems:
        raise TraceError(*problems)
