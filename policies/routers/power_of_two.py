"""The better of a few GPUs drawn at random."""

from random import Random

from isim.errors import RouterError
from isim.policies.policy import Request
from isim.policies.routers.router import Fleet


class PowerOfTwo:
    """Draw two GPUs at random and send the request to the one with fewer that wait or run.

    Parameters
    ----------
    choices
        How many to draw, all different; 1 is a random split.
    seed
        Of the draws.

    Raises
    ------
    RouterError
        Fewer than one choice.

    References
    ----------
    Mitzenmacher, *The power of two choices in randomized load balancing*, IEEE Trans. Parallel and Distributed Systems
    12, 2001.
    """

    def __init__(self, choices: int = 2, seed: int = 0) -> None:
        if choices < 1:
            raise RouterError(f"router power-of-two: choices must be at least 1 (found {choices}); write choices=2")
        self.choices = choices
        self.seed = seed
        self._random = Random(seed)

    def route(self, fleet: Fleet, request: Request) -> int:
        """Return the GPU with the fewest open requests of those drawn, the first drawn if equal."""
        able, open_requests = fleet.able[request.model], fleet.open_requests
        # The usual cases, made faster: every request comes by here.
        draw, count = self._random.random, len(able)
        if self.choices == 1:
            return able[int(draw() * count)]
        if self.choices != 2 or count < 2:
            drawn = self._random.sample(able, min(self.choices, count))
            return min(drawn, key=open_requests.__getitem__)
        first, second = int(draw() * count), int(draw() * (count - 1))
        second += second >= first
        one, other = able[first], able[second]
        return one if open_requests[one] <= open_requests[other] else other
