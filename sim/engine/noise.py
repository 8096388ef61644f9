"""Execution noise: how much longer or shorter than its profile a batch takes."""

import math
from statistics import NormalDist

from isim.traces.streams import stream

_MASK = (1 << 64) - 1


class Noise:
    """Draw a lognormal factor of mean 1 for a batch, keyed by the request at its head.

    The same seed and request have the same luck under every policy, whatever is dispatched before it.

    Parameters
    ----------
    seed
        The seed of the run.

    Examples
    --------
    >>> noise = Noise(seed=1)
    >>> noise(0.1, 7) == noise(0.1, 7), noise(0.0, 7)
    (True, 1.0)

    References
    ----------
    Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014: the mixing function of SplitMix64.
    """

    def __init__(self, seed: int) -> None:
        self._key = int(stream(seed, "noise").integers(1 << 63))
        self._quantile = NormalDist().inv_cdf

    def __call__(self, sigma: float, request_id: int) -> float:
        """Return the factor for a batch whose duration has the relative dispersion `sigma`."""
        z = (self._key + request_id * 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        z ^= z >> 31
        # 52 bits and a half: never 0 nor 1, which have no quantile.
        return math.exp(sigma * self._quantile(((z >> 12) + 0.5) * 2.0**-52) - 0.5 * sigma * sigma)
