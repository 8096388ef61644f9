"""When enough was measured: often enough, long enough, and steadily enough, or for too long."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Of normally distributed values: the middle half spans 1.349 standard deviations, and a median of n of them scatters
# by 1.2533 standard deviations over the root of n.
_DEVIATIONS_OF_QUARTILES = 1.349
_ERROR_OF_MEDIAN = 1.2533


def median_and_mad(values: npt.ArrayLike) -> tuple[float, float]:
    """Return the median and the median absolute deviation from it.

    Examples
    --------
    >>> median_and_mad([1, 2, 3, 4, 100])
    (3.0, 1.0)
    """
    values = np.asarray(values, dtype=float)
    median = float(np.median(values))
    return median, float(np.median(np.abs(values - median)))


def relative_noise(durations_ns: npt.ArrayLike) -> float:
    """Return the standard error of the median, as a share of the median; infinite for fewer than two values.

    It is estimated from the quartiles: single outliers do not count, but a device that runs at two speeds does, whose
    median absolute deviation may be 0.

    Examples
    --------
    >>> round(relative_noise([99, 100, 101] * 12), 5)
    0.0031
    """
    durations_ns = np.asarray(durations_ns, dtype=float)
    if len(durations_ns) < 2:
        return float("inf")
    low, median, high = np.percentile(durations_ns, [25, 50, 75])
    deviation = (high - low) / _DEVIATIONS_OF_QUARTILES
    return float(_ERROR_OF_MEDIAN * deviation / math.sqrt(len(durations_ns)) / median)


@dataclass(frozen=True, slots=True)
class Stopping:
    """Decide when a batch was repeated enough.

    Parameters
    ----------
    min_repetitions, min_s
        At least so many repetitions, which take at least so long together.
    noise
        Stop when the median is known to this share of itself (its standard error).
    timeout_s
        Stop after so long even so.

    Examples
    --------
    >>> Stopping().reason([1e7] * 49, elapsed_s=1.0)
    >>> Stopping().reason([1e7] * 50, elapsed_s=1.0)
    'noise'
    >>> Stopping().reason([1e7, 2e7] * 25, elapsed_s=10.0)
    'timeout'
    """

    min_repetitions: int = 50
    min_s: float = 0.5
    noise: float = 0.005
    timeout_s: float = 10.0

    def reason(self, durations_ns: npt.ArrayLike, elapsed_s: float) -> str | None:
        """Return why to stop, `noise` or `timeout`, or None to go on.

        Parameters
        ----------
        durations_ns
            Of the repetitions so far, without those that were throttled.
        elapsed_s
            Since the first one began.
        """
        durations_ns = np.asarray(durations_ns, dtype=float)
        long_enough = len(durations_ns) >= self.min_repetitions and durations_ns.sum() >= self.min_s * 1e9
        if long_enough and relative_noise(durations_ns) <= self.noise:
            return "noise"
        return "timeout" if elapsed_s >= self.timeout_s and len(durations_ns) > 0 else None
