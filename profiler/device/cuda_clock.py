"""Put the GPU's events on the host's monotonic clock.

CUDA tells the time between two events as a 32-bit float of milliseconds: over more than a few seconds it loses the
microsecond. So every event is timed against a reference less than a second older, and each reference against the one
before it; the first of them was recorded while the host watched its own clock.
"""

import time
from typing import Any

from isim.profiler.device.cuda_driver import explained

_REFERENCE_NS = 500_000_000
_TRIES = 5


class CudaEvent:
    """A mark in a stream, an `Event`; made by `CudaClock.record`."""

    def __init__(self, cuda: Any, event: Any, reference: "CudaEvent | None", time_ns: int | None = None) -> None:
        self._cuda = cuda
        self._event = event
        self._reference = reference
        self._time_ns = time_ns

    def done(self) -> bool:
        """Whether the stream came past it.

        Raises
        ------
        ProfileError
            The work before it failed.
        """
        with explained(self._cuda, "CUDA"):
            return bool(self._event.query())

    def time_ns(self) -> int:
        """Wait for it and return when the stream came past it, on the host's monotonic clock in ns.

        Raises
        ------
        ProfileError
            The work before it failed.
        """
        if self._time_ns is None:
            assert self._reference is not None  # only the first reference has none, and its time is known
            since_ns = self._reference.time_ns()
            with explained(self._cuda, "CUDA"):
                self._event.synchronize()
                self._time_ns = since_ns + round(self._event.time_since(self._reference._event) * 1e6)
            self._reference = None  # else every reference since the first would be kept
        return self._time_ns


class CudaClock:
    """Record events in streams so that their times can be told."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        self._made_ns = 0
        self._reference = self._anchor()

    def anchor(self) -> None:
        """Compare both clocks anew; the GPU must be idle."""
        self._reference = self._anchor()

    def record(self, stream: Any) -> CudaEvent:
        """Queue an event on a pycuda stream."""
        if time.monotonic_ns() - self._made_ns > _REFERENCE_NS:
            self._reference = CudaEvent(self._cuda, self._queued(stream), self._reference)
            self._made_ns = time.monotonic_ns()
        return CudaEvent(self._cuda, self._queued(stream), self._reference)

    def _queued(self, stream: Any) -> Any:
        with explained(self._cuda, "CUDA"):
            return self._cuda.Event().record(stream)

    def _anchor(self) -> CudaEvent:
        """Return an event recorded while the host watched: of several, the one that took the host least."""
        tries = []
        for _ in range(_TRIES):
            before_ns = time.monotonic_ns()
            event = self._queued(None)
            with explained(self._cuda, "CUDA"):
                event.synchronize()
            tries.append((time.monotonic_ns() - before_ns, before_ns, event))
        took_ns, before_ns, event = min(tries, key=lambda one: one[0])
        self._made_ns = before_ns
        return CudaEvent(self._cuda, event, None, before_ns + took_ns // 2)
