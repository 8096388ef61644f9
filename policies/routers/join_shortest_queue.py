"""The GPU with the fewest requests."""

from isim.policies.policy import Request
from isim.policies.routers.least import least
from isim.policies.routers.router import Fleet


class JoinShortestQueue:
    """Send each request to the GPU with the fewest that wait or run; of several, to the next in turn.

    References
    ----------
    Winston, *Optimality of the shortest line discipline*, J. Applied Probability 14, 1977. Gupta et al., *Analysis of
    join-the-shortest-queue routing for web server farms*, Performance Evaluation 64, 2007.
    """

    def __init__(self) -> None:
        self._last = -1

    def route(self, fleet: Fleet, request: Request) -> int:
        """Return the GPU with the fewest open requests."""
        self._last = least(fleet.open_requests, fleet.able[request.model], self._last)
        return self._last
