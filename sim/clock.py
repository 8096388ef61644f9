"""Simulated time: a SimPy environment that schedules calls at exact moments."""

import math
from collections.abc import Callable
from heapq import heappush
from typing import Any

import simpy
from simpy.core import StopSimulation

FINISH, ARRIVAL, TIMER, STOP = range(4)
"""The order of what happens at one moment."""


class Moment:
    """One call at one time: what SimPy needs of an event that has succeeded, at half the cost of a Timeout."""

    __slots__ = ("callbacks", "calls", "time_s")

    _ok = True

    def __init__(self, call: Callable[["Moment"], None], time_s: float) -> None:
        self.calls = self.callbacks = [call]  # SimPy takes `callbacks` away
        self.time_s = time_s


class Clock(simpy.Environment):
    """Keep simulated seconds and call what is due, in order of (time, priority, time of asking).

    SimPy's own `schedule` takes a delay, and now + (time - now) is not always time: moments that coincide could fall
    apart by a rounding error. So moments are pushed on the environment's queue as they are.

    Examples
    --------
    >>> clock, log = Clock(), []
    >>> _ = clock.at(1.0, TIMER, lambda _: log.append("timer"))
    >>> _ = clock.at(1.0, FINISH, lambda _: log.append("finish"))
    >>> clock.run()
    >>> log
    ['finish', 'timer']
    """

    def at(self, time_s: float, priority: int, call: Callable[[Moment], None]) -> Moment:
        """Call `call(moment)` at `time_s`, which must not lie in the past; return the moment."""
        moment = Moment(call, time_s)
        self.again(moment, time_s, priority)
        return moment

    def again(self, moment: Moment, time_s: float, priority: int) -> None:
        """Schedule a moment that has passed, or has never been, at another time."""
        moment.callbacks = moment.calls
        moment.time_s = time_s
        entry: Any = (time_s, priority, next(self._eid), moment)
        heappush(self._queue, entry)

    def stop_at(self, time_s: float) -> None:
        """End `run` at `time_s`, after everything else that happens at that moment."""
        self.at(time_s, STOP, _stop)


def _stop(moment: Moment) -> None:
    raise StopSimulation(None)


def snap_s(time_s: float) -> float:
    """Return the whole nanosecond within four rounding errors of a time, or else the time.

    Traces and profiles are in whole nanoseconds; without this, rounding would decide what happens first.

    Examples
    --------
    >>> snap_s(0.1 + 0.2)
    0.3
    """
    nanosecond_s = int(time_s * 1e9 + 0.5) / 1e9
    return nanosecond_s if abs(nanosecond_s - time_s) <= 4 * math.ulp(time_s) else time_s
