"""The GPU with the least work."""

from isim.policies.policy import Request
from isim.policies.routers.least import least
from isim.policies.routers.router import Fleet


class LeastLoaded:
    """Send each request to the GPU whose open requests would run for the shortest time; of several, to the next.

    A request counts as what it takes alone on that GPU, in a batch of its own, until it has ended: large models and
    slow GPUs weigh more, which `join-shortest-queue` does not see.

    References
    ----------
    Harchol-Balter, *Performance Modeling and Design of Computer Systems*, 2013, chapter 24: least work left, here
    without what is known of the progress of those that run.
    """

    def __init__(self) -> None:
        self._last = -1

    def route(self, fleet: Fleet, request: Request) -> int:
        """Return the GPU with the least open work."""
        self._last = least(fleet.open_work_ns, fleet.able[request.model], self._last)
        return self._last
