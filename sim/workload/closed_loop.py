"""Clients that always wait for their answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from isim.clock import snap_s
from isim.policies.policy import Request
from isim.traces.streams import stream
from isim.workload.contract import deadline_s


class Client(NamedTuple):
    """One caller that always waits for its answer."""

    model: str
    samples: int = 1
    think_s: float = 0.0
    """From the end of a request to the arrival of the next; the mean, if it is random."""
    start_s: float = 0.0
    """Arrival of its first request."""
    think_law: Literal["constant", "exponential"] = "constant"


class ClosedLoop:
    """Let clients send their next request when their last one has ended and their think time has passed.

    A request that is refused has ended, too. A client falls silent once it has sent `requests_per_client` and
    `duration_s` has passed; with neither it never does, which needs a horizon.

    Parameters
    ----------
    clients
        Who calls what.
    requests_per_client
        How many requests each sends, or at least sends if there is a duration.
    slo_s
        SLO by model; the key "*" stands for every other model.
    duration_s
        For how long each sends requests, in seconds.
    seed
        Of random think times; each client has a stream of its own.
    """

    reacts = True

    def __init__(
        self,
        clients: Sequence[Client],
        requests_per_client: int | None = None,
        slo_s: Mapping[str, float] | None = None,
        duration_s: float | None = None,
        seed: int = 0,
    ) -> None:
        self.clients = tuple(clients)
        self.requests_per_client = requests_per_client
        self.duration_s = duration_s
        self.seed = seed
        self.slo_s = dict(slo_s or {})
        self._start()

    @property
    def models(self) -> Sequence[str]:
        """Every model that a client calls."""
        return tuple(dict.fromkeys(client.model for client in self.clients))

    @property
    def most_samples(self) -> Mapping[str, int]:
        """The largest request to each model, in samples."""
        return {model: max(c.samples for c in self.clients if c.model == model) for model in self.models}

    def open(self) -> Iterator[Request]:
        """Return every client's first request, numbered before any other."""
        self._start()
        starts = sorted((client.start_s, index) for index, client in enumerate(self.clients))
        return iter([self._send(index, start_s) for start_s, index in starts])

    def follow_up(self, ended: Request, now_s: float) -> Iterable[Request]:
        """Return the next request of the client whose request has ended."""
        index = self._client_of.pop(ended.request_id)
        client = self.clients[index]
        limits = self.requests_per_client, self.duration_s
        if limits != (None, None) and self._sent[index] >= (limits[0] or 0) and now_s >= (limits[1] or 0):
            return ()
        think_s = client.think_s
        if client.think_law == "exponential":
            think_s *= self._thoughts[index].standard_exponential()
        return (self._send(index, snap_s(now_s + think_s)),)

    def kept_back(self, awaited: Iterable[Request]) -> Iterable[Request]:
        """Return nothing: how many requests clients send is up to the run."""
        return ()

    def _start(self) -> None:
        self._client_of: dict[int, int] = {}
        self._sent = [0] * len(self.clients)
        self._thoughts = {
            index: stream(self.seed, "think", str(index))
            for index, client in enumerate(self.clients)
            if client.think_law == "exponential"
        }
        self._next_id = 0

    def _send(self, index: int, arrived_s: float) -> Request:
        client = self.clients[index]
        request_id = self._next_id
        self._next_id += 1
        self._sent[index] += 1
        self._client_of[request_id] = index
        due_s = deadline_s(self.slo_s, client.model, arrived_s)
        return Request(request_id, client.model, arrived_s, due_s, 0, client.samples, 1.0)
