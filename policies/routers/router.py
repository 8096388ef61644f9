"""The contract between a router and the front end of several GPUs."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from isim.policies.policy import Request, View


class Fleet(Protocol):
    """What a router may look at: read-only and live. GPUs are known by their numbers, from 0."""

    @property
    def now_s(self) -> float: ...
    @property
    def able(self) -> Mapping[str, Sequence[int]]:
        """By model, the GPUs that serve it, ascending."""
        ...

    @property
    def open_requests(self) -> Sequence[int]:
        """By GPU, how many requests were sent there and have not ended: they wait or run."""
        ...

    @property
    def open_work_ns(self) -> Sequence[int]:
        """By GPU, how long these would run there, each alone and one after the other."""
        ...

    @property
    def servers(self) -> Sequence[View]:
        """By GPU, what its policy sees: queues, residents, free slots, profile and predictor."""
        ...

    @property
    def slots(self) -> int:
        """Batches that each GPU holds at once."""
        ...


class Router(Protocol):
    """Sends each request to a GPU at its arrival, for good.

    A router is built anew for every run, by keyword parameters that it stores under the same names. With one GPU there
    is none.
    """

    def route(self, fleet: Fleet, request: Request) -> int:
        """Return the number of the GPU that serves the request: one of `fleet.able[request.model]`.

        `fleet.open_requests` and the like cost nothing to look at; a view of `fleet.servers` costs what it shows, at
        every request.
        """
        ...
