"""What a policy may look at: a read-only window on the simulated server."""

from collections import deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from isim.engine.batch import Batch, Seen
from isim.operations import Operations
from isim.policies.policy import Request

_RATE_WINDOW = 100
"""Arrivals over which a model's rate is estimated."""


class WaitingRequests(deque[Request]):
    """The queue of one model, oldest first; read-only, except for the simulation, which calls `deque`'s own methods.

    Policies look at queues at every event, so they get a queue as fast as `deque` and not a wrapper around one.
    """

    __slots__ = ()

    def _refuse(self, *_: Any) -> NoReturn:
        raise TypeError("a queue of the view is read-only; decide Dispatch, Reject or Drop instead")

    append = appendleft = clear = extend = extendleft = insert = pop = popleft = remove = reverse = rotate = _refuse
    __delitem__ = __iadd__ = __imul__ = __setitem__ = _refuse


class LiveView:
    """Show a policy the server as it is now; the simulation writes the underscored fields."""

    __slots__ = ("_arrivals_s", "_free_slots", "_now_s", "_predictor", "_profile", "_queues", "_residents")

    def __init__(
        self, profile: Operations, queues: Mapping[str, WaitingRequests], residents: list[Batch], predictor: Any = None
    ) -> None:
        self._now_s = 0.0
        self._free_slots = 0
        self._profile = profile
        self._predictor = predictor
        self._residents = residents
        self._queues = MappingProxyType(queues)
        self._arrivals_s: dict[str, deque[float]] = {model: deque(maxlen=_RATE_WINDOW) for model in queues}

    @property
    def now_s(self) -> float:
        """The simulated time."""
        return self._now_s

    @property
    def queues(self) -> Mapping[str, Sequence[Request]]:
        """Waiting requests of each model, oldest first."""
        return self._queues

    @property
    def residents(self) -> Sequence[Seen]:
        """Batches on the GPU now, in order of dispatch."""
        return tuple(map(Seen, self._residents))

    @property
    def free_slots(self) -> int:
        """Batches that can be dispatched now."""
        return self._free_slots

    @property
    def profile(self) -> Operations:
        """Solo latencies and features."""
        return self._profile

    @property
    def predictor(self) -> Any:
        """The predictor the run was given, or None."""
        return self._predictor

    def arrival_rate_rps(self, model: str) -> float:
        """Return the rate over the model's most recent arrivals (0 before the second)."""
        times_s = self._arrivals_s[model]
        if len(times_s) < 2 or self._now_s <= times_s[0]:
            return 0.0
        return (len(times_s) - 1) / (self._now_s - times_s[0])
