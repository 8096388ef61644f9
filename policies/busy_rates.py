"""How often requests arrive while the GPU is busy."""

from collections import deque

from isim.policies.policy import Arrival, Event, Finish, View

_WINDOW = 100
"""Arrivals of a model over which its rate is taken."""


class BusyRates:
    """Estimate each model's rate of arrivals on a clock that stands still while nothing runs.

    Of arrivals that come independently of each other this is their rate (they see time averages: PASTA). Bursts keep
    the GPU busy, so that while it is busy more arrive than in the mean, and what is started then blocks more of them.

    References
    ----------
    Wolff, *Poisson arrivals see time averages*, Operations Research 30, 1982.
    """

    def __init__(self) -> None:
        self._clock_s = 0.0
        self._followed_s = 0.0
        self._arrivals_s: dict[str, deque[float]] = {}

    def follow(self, view: View, event: Event) -> None:
        """Take in an event; to be called at every one."""
        if view.residents or isinstance(event, Finish):  # dispatched at an earlier event
            self._clock_s += view.now_s - self._followed_s
            if isinstance(event, Arrival):
                self._arrivals_s.setdefault(event.request.model, deque(maxlen=_WINDOW)).append(self._clock_s)
        self._followed_s = view.now_s

    def rate_rps(self, model: str) -> float:
        """Return the rate over the model's most recent arrivals while busy; 0 before the second."""
        times_s = self._arrivals_s.get(model)
        if times_s is None or len(times_s) < 2 or self._clock_s <= times_s[0]:
            return 0.0
        return (len(times_s) - 1) / (self._clock_s - times_s[0])
