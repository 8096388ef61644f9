"""Where requests come from: a trace replayed, or clients that wait for their answers."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, Protocol

import numpy as np

from isim.clock import snap_s
from isim.policies.policy import Request
from isim.traces.trace import Trace

_CHUNK = 1 << 14


class Workload(Protocol):
    """A source of requests in order of arrival."""

    @property
    def models(self) -> Sequence[str]:
        """Every model that requests may name."""
        ...

    reacts: bool
    """Whether `follow_up` may ever return a request."""

    def open(self) -> Iterator[Request]:
        """Yield the requests whose arrival does not depend on the run."""
        ...

    def follow_up(self, ended: Request, now_s: float) -> Request | None:
        """Return the request that the end of another one causes, if any."""
        ...


class Replay:
    """Replay a trace.

    Parameters
    ----------
    trace
        Requests in order of arrival.
    slo_s
        SLO by model, for requests that carry none; the key "*" stands for every other model.
    """

    reacts = False

    def __init__(self, trace: Trace, slo_s: Mapping[str, float] | None = None) -> None:
        self.trace = trace
        self.slo_s = dict(slo_s or {})

    @property
    def models(self) -> Sequence[str]:
        """Every model of the trace."""
        return self.trace.models

    def open(self) -> Iterator[Request]:
        """Yield the trace's requests."""
        table = self.trace.table
        for start in range(0, table.num_rows, _CHUNK):
            chunk = table.slice(start, _CHUNK).combine_chunks()
            model = chunk["model"].chunk(0)
            names, codes = model.dictionary.to_pylist(), model.indices.to_numpy()
            arrival_ns = chunk["arrival_ns"].to_numpy()
            default_s = self.slo_s.get("*", math.inf)
            slo_ns = np.array([self.slo_s.get(name, default_s) for name in names])[codes] * 1e9
            if "slo_ns" in chunk.column_names:
                own_ns = np.asarray(chunk["slo_ns"].to_numpy(), dtype=np.float64)
                slo_ns = np.where(np.isnan(own_ns), slo_ns, own_ns)
            finite_ns = np.where(np.isinf(slo_ns), 0.0, slo_ns).round().astype(np.int64)
            deadline_s = np.where(np.isinf(slo_ns), np.inf, (arrival_ns + finite_ns) / 1e9)
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

    def follow_up(self, ended: Request, now_s: float) -> Request | None:
        """Return nothing: a trace does not react."""
        return None


class Client(NamedTuple):
    """One caller that always waits for its answer."""

    model: str
    samples: int = 1
    think_s: float = 0.0
    """From the end of a request to the arrival of the next."""
    start_s: float = 0.0
    """Arrival of its first request."""


class ClosedLoop:
    """Let clients send their next request when their last one has ended and their think time has passed.

    Parameters
    ----------
    clients
        Who calls what.
    requests_per_client
        After how many requests each falls silent; None for never, which needs a horizon.
    slo_s
        As in `Replay`.
    """

    reacts = True

    def __init__(
        self,
        clients: Sequence[Client],
        requests_per_client: int | None = None,
        slo_s: Mapping[str, float] | None = None,
    ) -> None:
        self.clients = tuple(clients)
        self.requests_per_client = requests_per_client
        self.slo_s = dict(slo_s or {})
        self._client_of: dict[int, int] = {}
        self._sent = [0] * len(self.clients)
        self._next_id = 0

    @property
    def models(self) -> Sequence[str]:
        """Every model that a client calls."""
        return tuple(dict.fromkeys(client.model for client in self.clients))

    def open(self) -> Iterator[Request]:
        """Return every client's first request, numbered before any other."""
        self._client_of, self._sent, self._next_id = {}, [0] * len(self.clients), 0
        starts = sorted((client.start_s, index) for index, client in enumerate(self.clients))
        return iter([self._send(index, start_s) for start_s, index in starts])

    def follow_up(self, ended: Request, now_s: float) -> Request | None:
        """Return the next request of the client whose request has ended."""
        index = self._client_of.pop(ended.request_id)
        if self._sent[index] == self.requests_per_client:
            return None
        return self._send(index, snap_s(now_s + self.clients[index].think_s))

    def _send(self, index: int, arrived_s: float) -> Request:
        client = self.clients[index]
        request_id = self._next_id
        self._next_id += 1
        self._sent[index] += 1
        self._client_of[request_id] = index
        slo_s = self.slo_s.get(client.model, self.slo_s.get("*", float("inf")))
        deadline_s = snap_s(arrived_s + slo_s) if slo_s < float("inf") else slo_s
        return Request(request_id, client.model, arrived_s, deadline_s, 0, client.samples, 1.0)
