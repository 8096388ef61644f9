"""What stands around a server: whom it reports to, what it is made of, and what it shares with the others."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from isim.clock import Clock
from isim.contention.contract import ContentionModel
from isim.engine.batch import Batch
from isim.engine.predicting import Predicting
from isim.operations import Operations
from isim.policies.policy import Overlap, Policy, Request
from isim.sharing_modes import Sharing


class Listener(Protocol):
    """What a simulation reports to; `isim.engine.recorder.Recorder` is one."""

    def arrived(self, request: Request) -> None: ...
    def ended(self, requests: tuple[Request, ...], how: Batch | int) -> None: ...
    def batch(self, batch: Batch) -> None: ...
    def overlap(self, gpu: int, overlap: Overlap) -> None: ...
    def still_resident(self, batch: Batch) -> None: ...


class Front(Protocol):
    """What stands before the servers, as one of them sees it."""

    open: int
    """Requests that have arrived, at any server, and not ended."""

    def more_to_come(self) -> bool:
        """Return whether arrivals are known to come."""
        ...

    def anything_runs(self) -> bool:
        """Return whether a batch is resident anywhere."""
        ...


class Served(NamedTuple):
    """What tells one GPU's server from another's."""

    operations: Operations
    """What batches consist of, for every model that it serves."""
    policy: Policy
    """Decides; freshly built."""
    predicting: Predicting | None = None
    """What asks and teaches the predictor that the policy may ask."""


class Surroundings(NamedTuple):
    """What all servers of a simulation share."""

    clock: Clock
    front: Front
    listener: Listener
    contention: ContentionModel
    slots: int
    """Batches that may be resident at once on each GPU."""
    noise: Callable[[float, int], float] | None
    sharing: Sharing
    batch_ids: Iterator[int]
