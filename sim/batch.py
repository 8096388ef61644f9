"""A batch on the GPU, and what a server can measure of it afterwards."""

from isim.operations import Variant
from isim.policies.policy import Overlap, Request


class Batch:
    """Requests that run together; satisfies `Resident` while it runs and `Observation` once it has finished."""

    __slots__ = (
        "actual_solo_s",
        "batch_id",
        "batch_size",
        "dispatched_s",
        "duration_s",
        "finished_s",
        "gpu",
        "model",
        "overlaps",
        "requests",
        "scale",
        "slot",
        "solo_s",
        "variant",
    )

    def __init__(
        self, batch_id: int, gpu: int, variant: Variant, requests: tuple[Request, ...], dispatched_s: float,
        work: float, noise: float,
    ) -> None:  # fmt: skip
        self.batch_id = batch_id
        self.gpu = gpu
        self.variant = variant
        self.model = variant.model
        self.batch_size = variant.batch_size
        self.requests = requests
        self.dispatched_s = dispatched_s
        self.finished_s: float | None = None
        self.duration_s = 0.0
        """Time since dispatch, added up in steps so that it is exact however late the clock."""
        self.scale = work * noise
        self.solo_s = variant.solo_s * work
        self.actual_solo_s = variant.solo_s * self.scale
        self.overlaps: list[Overlap] = []
        self.slot = -1

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
