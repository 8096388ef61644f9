"""A batch on the GPU, and what a server can measure of it afterwards."""

import math
from typing import NamedTuple

from isim.operations import Variant
from isim.policies.policy import Overlap, Request
from isim.run_schema import UNFINISHED


class Preemption(NamedTuple):
    """That a batch was taken off the GPU before its end."""

    batch_id: int
    mode: str
    asked_s: float
    operation: int
    """The one from which on it has not run."""
    keeps: bool
    """Whether its requests, dispatched together, go on from there."""


class Batch:
    """Requests that run together; a policy is shown `Seen` of it."""

    __slots__ = (
        "batch_id", "continues", "dispatched_s", "duration_s", "finished_s", "gpu", "left_s", "noise", "overlaps",
        "preempted", "requests", "slot", "urgent", "variant", "work",
    )  # fmt: skip

    outcome = UNFINISHED
    """Of its requests, as long as it has not finished."""

    def __init__(
        self, batch_id: int, variant: Variant, requests: tuple[Request, ...], dispatched_s: float, work: float,
        noise: float, gpu: int = 0, continues: Preemption | None = None, urgent: bool = False,
    ) -> None:  # fmt: skip
        self.batch_id = batch_id
        self.variant = variant
        self.requests = requests
        self.dispatched_s = dispatched_s
        self.work = work
        self.noise = noise
        self.gpu = gpu
        self.urgent = urgent
        """Whether its kernels come first, and no gate holds them."""
        self.finished_s = math.nan
        """Not a number while it runs, and of one that was preempted."""
        self.left_s = math.nan
        """When it was off the GPU, if it was preempted."""
        self.preempted: Preemption | None = None
        self.continues = continues
        """Of another, with the same requests, that it goes on from."""
        self.duration_s = 0.0
        """Time since dispatch, added up in steps so that it is exact however late the clock."""
        self.overlaps: list[Overlap] = []
        self.slot = -1

    @property
    def model(self) -> str:
        """The model it runs."""
        return self.variant.model

    @property
    def batch_size(self) -> int:
        """The profiled size it runs as."""
        return self.variant.batch_size

    @property
    def solo_s(self) -> float:
        """Profiled duration alone, without this batch's noise."""
        return self.variant.solo_s * self.work

    @property
    def scale(self) -> float:
        """The factor on every gap and duration of this batch."""
        return self.work * self.noise

    @property
    def actual_solo_s(self) -> float:
        """The duration it would have had alone, noise included."""
        return self.variant.solo_s * self.scale

    @property
    def slowdown(self) -> float:
        """Measured / solo, gaps included in both."""
        return self.duration_s / self.actual_solo_s

    @property
    def kernel_slowdown(self) -> float:
        """The same without the gaps; 1 for a batch of gaps only."""
        gap_s = self.variant.gap_s * self.scale
        solo_s = self.actual_solo_s - gap_s
        return (self.duration_s - gap_s) / solo_s if solo_s > 0 else 1.0


class Seen:
    """What a policy is shown of a batch: read-only, and nothing that a server could not know (such as its noise)."""

    __slots__ = ("_batch",)

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    @property
    def batch_id(self) -> int:
        """Its number, in order of dispatch."""
        return self._batch.batch_id

    @property
    def model(self) -> str:
        """The model it runs."""
        return self._batch.variant.model

    @property
    def batch_size(self) -> int:
        """The profiled size it runs as."""
        return self._batch.variant.batch_size

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that run together."""
        return self._batch.requests

    @property
    def dispatched_s(self) -> float:
        """When it was dispatched."""
        return self._batch.dispatched_s

    @property
    def preempted(self) -> bool:
        """Whether it is being preempted, or was."""
        return self._batch.preempted is not None

    @property
    def finished_s(self) -> float:
        """When it finished; not a number while it runs."""
        return self._batch.finished_s

    @property
    def duration_s(self) -> float:
        """Time from dispatch to finish."""
        return self._batch.duration_s

    @property
    def solo_s(self) -> float:
        """Profiled duration alone, without this batch's noise."""
        return self._batch.solo_s

    @property
    def overlaps(self) -> tuple[Overlap, ...]:
        """With whom it was resident and for how long, oldest first."""
        return tuple(self._batch.overlaps)
