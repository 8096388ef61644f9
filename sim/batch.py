"""A batch on the GPU, and what a server can measure of it afterwards."""

import math

from isim.operations import Variant
from isim.policies.policy import Overlap, Request
from isim.run_schema import UNFINISHED


class Batch:
    """Requests that run together; satisfies `Resident` while it runs and `Observation` once it has finished."""

    __slots__ = (
        "batch_id", "dispatched_s", "duration_s", "finished_s", "noise", "overlaps", "requests", "slot", "variant",
        "work",
    )  # fmt: skip

    gpu = 0
    outcome = UNFINISHED
    """Of its requests, as long as it has not finished."""

    def __init__(
        self, batch_id: int, variant: Variant, requests: tuple[Request, ...], dispatched_s: float, work: float,
        noise: float,
    ) -> None:  # fmt: skip
        self.batch_id = batch_id
        self.variant = variant
        self.requests = requests
        self.dispatched_s = dispatched_s
        self.work = work
        self.noise = noise
        self.finished_s = math.nan
        """Not a number while it runs."""
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
