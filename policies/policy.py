"""The contract between a policy and whatever it steers: the simulated GPU today, a real server with the same calls."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from isim.policies.kernels import Kernels


class Request(NamedTuple):
    """One user call, as a server sees it on arrival."""

    request_id: int
    model: str
    arrived_s: float
    deadline_s: float
    """Arrival + SLO; infinite without an SLO."""
    priority: int
    """Larger is more urgent."""
    samples: int
    """Samples the request holds; a batch holds the sum over its requests."""
    work: float
    """Factor on the service time of the batch it rides in (the largest in the batch counts)."""


class Overlap(NamedTuple):
    """An interval in which the set of residents did not change."""

    start_s: float
    finish_s: float
    batch_ids: tuple[int, ...]


class Resident(Protocol):
    """A batch that holds a slot of the GPU now."""

    @property
    def batch_id(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def batch_size(self) -> int:
        """The profiled size it runs as."""
        ...

    @property
    def requests(self) -> tuple[Request, ...]: ...
    @property
    def dispatched_s(self) -> float: ...
    @property
    def preempted(self) -> bool:
        """Whether it is being preempted: it leaves before its end."""
        ...

    @property
    def overlaps(self) -> Sequence[Overlap]:
        """Closed overlaps since its dispatch, oldest first."""
        ...


class Observation(Protocol):
    """What a server can measure of a batch that just finished."""

    @property
    def batch_id(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def requests(self) -> tuple[Request, ...]: ...
    @property
    def dispatched_s(self) -> float: ...
    @property
    def finished_s(self) -> float: ...
    @property
    def preempted(self) -> bool:
        """False: it came to its end."""
        ...

    @property
    def duration_s(self) -> float:
        """Measured, from dispatch to finish."""
        ...

    @property
    def solo_s(self) -> float:
        """Profiled, alone (without the execution noise of this one batch, which no server could know)."""
        ...

    @property
    def overlaps(self) -> Sequence[Overlap]:
        """With whom it was resident and for how long, oldest first."""
        ...


class Arrival(NamedTuple):
    """A request has just joined its model's queue."""

    request: Request


class Finish(NamedTuple):
    """A batch has just left the GPU."""

    observation: Observation


class Preempted(NamedTuple):
    """A batch that was preempted has just left the GPU; its requests wait in their queue again."""

    batch: Resident


class Timer(NamedTuple):
    """The time asked for with `WakeAt` has come."""

    tag: str


Event = Arrival | Finish | Preempted | Timer
"""Of these a policy that preempts nothing never sees `Preempted`."""


class Dispatch(NamedTuple):
    """Run these queued requests of one model as one batch, from now on."""

    requests: Sequence[Request]
    gpu: int = 0
    priority: int = 0
    """Above 0 it is urgent: where the policy has a gate (`isim.policies.gate`), its kernels come before all others."""


class Reject(NamedTuple):
    """Refuse requests at their arrival."""

    requests: Sequence[Request]
    reason: str


class Drop(NamedTuple):
    """Take requests out of the queue after their arrival."""

    requests: Sequence[Request]
    reason: str


class WakeAt(NamedTuple):
    """Send `Timer(tag)` at `time_s`, never before it; a pending timer of the same tag is moved there."""

    time_s: float
    tag: str = ""


class Preempt(NamedTuple):
    """Take a resident off the GPU before its end; its requests return to their queue, in order of arrival.

    That takes the time that the GPU's sharing sets for it, in which the batch still holds its slot, but nothing of the
    GPU; then `Preempted` follows. A batch that comes to its end first finishes as always.
    """

    batch_id: int
    mode: Literal["reset", "kernel"] = "reset"
    """Throw the kernel that runs away at once, or wait until it has ended."""
    keep: bool = True
    """Whether what was done is kept: the same requests, dispatched together, go on with the first kernel not done."""


Decision = Dispatch | Reject | Drop | WakeAt | Preempt


class SoloProfile(Protocol):
    """What the profile tells a server about batches that run alone."""

    def batch_sizes(self, model: str) -> Sequence[int]:
        """Return the profiled batch sizes of a model, ascending."""
        ...

    def solo_s(self, model: str, samples: int) -> float:
        """Return the solo duration of a batch of `samples`, run as the smallest profiled size that holds them."""
        ...

    def features(self, model: str, batch_size: int) -> Mapping[str, float]:
        """Return the time-weighted mean of each measured resource column over a profiled batch (0..1)."""
        ...

    def sm_share(self, model: str) -> float:
        """Return the part of the SMs that the process of a model is held to, 0..1; durations are those at this part."""
        ...

    def kernels(self, model: str, batch_size: int) -> Kernels | None:
        """Return the operations of a profiled batch, or None where only averages were profiled."""
        ...


class View(Protocol):
    """What a policy may look at: read-only and live, so it is never older than the event being decided."""

    @property
    def now_s(self) -> float: ...
    @property
    def queues(self) -> Mapping[str, Sequence[Request]]:
        """Waiting requests of each model, oldest first."""
        ...

    @property
    def residents(self) -> Sequence[Resident]:
        """Batches on the GPU now, in order of dispatch."""
        ...

    @property
    def free_slots(self) -> int: ...
    @property
    def profile(self) -> SoloProfile: ...
    @property
    def predictor(self) -> Any:
        """The predictor the run was given, or None."""
        ...

    def arrival_rate_rps(self, model: str) -> float:
        """Return the rate over the model's most recent arrivals (0 before the second)."""
        ...


class Policy(Protocol):
    """Decides, whenever something changes, which requests run together, wait or are refused.

    `decide` is called once per event, in order of time; the engine carries the decisions out in the order given and
    raises `PolicyError` on one that cannot be. A policy is built anew for every run, by keyword parameters that it
    stores under the same names. It may keep state of its own; it must not keep the view's.
    """

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Return what to do now, in this order; nothing is a valid answer.

        Decisions are carried out as they are taken from the iterable: a policy that yields them sees the view change.
        """
        ...
