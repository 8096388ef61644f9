"""When a policy asked to be woken."""

from collections.abc import Callable, Sequence
from typing import NoReturn

from isim.clock import TIMER, Clock, Moment, snap_s
from isim.engine.surroundings import Front

_AT_ONE_MOMENT = 10_000
_IN_VAIN = 100_000
"""More than these is a policy that asks to be woken for ever."""


class Timers:
    """Wake a policy when it asked for it, as long as anything is open.

    Parameters
    ----------
    clock, front
        Of the simulation.
    residents
        The batches on this policy's GPU.
    wake
        Called at the time asked for, with it and the tag.
    fail
        Raises, with what is wrong, at a time.
    """

    def __init__(
        self, clock: Clock, front: Front, residents: Sequence[object], wake: Callable[[float, str], None],
        fail: Callable[[float, str], NoReturn],
    ) -> None:  # fmt: skip
        self._clock, self._front, self._residents = clock, front, residents
        self._wake, self._fail = wake, fail
        self._pending: dict[str, Moment] = {}
        self._now = (0.0, 0)
        self._in_vain = 0

    def set(self, time_s: float, tag: str) -> None:
        """Wake the policy then, and not when it asked for with this tag before."""
        time_s = max(snap_s(time_s), time_s)  # never before the time asked for
        pending = self._pending.get(tag)
        if pending is None or pending.time_s != time_s:
            self._pending[tag] = self._clock.at(time_s, TIMER, lambda moment: self._due(tag, moment))

    def _due(self, tag: str, moment: Moment) -> None:
        if self._pending.get(tag) is not moment:  # moved since
            return
        del self._pending[tag]
        to_come = self._front.more_to_come()
        if not self._front.open and not to_come:  # all is served: the run is over
            return
        now_s = moment.time_s
        last_s, count = self._now
        self._now = (now_s, count + 1 if now_s == last_s else 1)
        if self._now[1] > _AT_ONE_MOMENT:
            self._fail(now_s, f"woken {count} times at this moment; ask for a later time")
        in_vain = not (to_come or self._residents or self._front.anything_runs())
        self._in_vain = self._in_vain + 1 if in_vain else 0
        if self._in_vain > _IN_VAIN:
            self._fail(
                now_s,
                f"woken {_IN_VAIN} times in a row with {self._front.open} requests waiting, nothing running and no "
                "arrival to come; dispatch, drop or stop asking",
            )
        self._wake(now_s, tag)
