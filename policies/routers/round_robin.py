"""GPUs in turn."""

from bisect import bisect_right

from isim.policies.policy import Request
from isim.policies.routers.router import Fleet


class RoundRobin:
    """Send requests to the GPUs in turn, passing by those that lack the model.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> fleet, request = SimpleNamespace(able={"a": (0, 1, 2)}), SimpleNamespace(model="a")
    >>> router = RoundRobin()
    >>> [router.route(fleet, request) for _ in range(4)]
    [0, 1, 2, 0]

    References
    ----------
    Ephremides, Varaiya, Walrand, *A simple dynamic routing problem*, IEEE Trans. Automatic Control 25, 1980: the best
    split that does not look at the queues.
    """

    def __init__(self) -> None:
        self._last = -1

    def route(self, fleet: Fleet, request: Request) -> int:
        """Return the first GPU after the last one chosen."""
        able = fleet.able[request.model]
        place = bisect_right(able, self._last)
        self._last = able[place] if place < len(able) else able[0]
        return self._last
