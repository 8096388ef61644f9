"""What Nexus' planner places."""

import math
from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple


class Session(NamedTuple):
    """A model with one latency objective and a rate, and how long its batches take."""

    name: str
    slo_s: float
    rate_rps: float
    batch_sizes: tuple[int, ...]
    """Profiled, ascending; a batch runs as the smallest that holds it."""
    durations_s: tuple[float, ...]
    """At each of the sizes."""

    def duration_s(self, batch_size: int) -> float:
        """Return how long a batch takes; infinite beyond the largest profiled size."""
        i = bisect_left(self.batch_sizes, batch_size)
        return self.durations_s[i] if i < len(self.durations_s) else math.inf

    @property
    def saturated_batch_size(self) -> int:
        """The largest profiled batch that, with one of its kind before it, is within the objective; 0 if none is."""
        return self._largest(lambda size: 2 * self.duration_s(size) <= self.slo_s)

    def residual(self, rate_rps: float) -> tuple[int, float]:
        """Return batch size and duty cycle, seconds, of the session alone on a node at a rate too low to fill it."""
        fitting = self._largest(lambda size: (size - 1) / rate_rps + self.duration_s(size) <= self.slo_s)
        size = fitting or self.batch_sizes[0]
        return size, min(self.slo_s - self.duration_s(size), size / rate_rps)

    def _largest(self, fits: Callable[[int], bool]) -> int:
        return max((size for size in self.batch_sizes if fits(size)), default=0)
