"""Arrivals whose gaps are independent draws of one law."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Gaps = Callable[[int], npt.NDArray[np.float64]]
"""Draws so many gaps, in units of their mean."""


def renewal(first: float, gaps: Gaps, rate_rps: float, duration_ns: int, gap_deviation: float) -> npt.NDArray[np.int64]:
    """Return arrivals in ns over [0, duration).

    Parameters
    ----------
    first
        Time of the first arrival, in mean gaps. Drawn from the law of a gap already under way when observation
        starts, it makes the expected number of arrivals exactly rate x duration in every interval.
    gaps
        Draws the gaps that follow, of mean 1.
    gap_deviation
        Standard deviation of the gaps in mean gaps; only decides how many are drawn at once.
    """
    mean_gap_ns = 1e9 / rate_rps
    end = duration_ns / mean_gap_ns
    blocks = [np.array([first])]
    last = first
    while last < end:
        left = end - last
        times = gaps(int(left + 4 * gap_deviation * left**0.5) + 16)
        np.cumsum(times, out=times)
        times += last
        blocks.append(times)
        last = float(times[-1])
    times = blocks[-1] if len(blocks) == 1 else np.concatenate(blocks)
    arrival_ns = (times * mean_gap_ns).astype(np.int64)
    return arrival_ns[: int(np.searchsorted(arrival_ns, duration_ns))]
