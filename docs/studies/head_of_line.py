"""Head-of-line blocking of a run."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def blocked_s(arrived_s: Floats, dispatched_s: Floats, starts_s: Floats, finishes_s: Floats, alone_s: float) -> Floats:
    """Return how long each request waits while a batch is on the GPU that has longer to go than it takes alone.

    Parameters
    ----------
    arrived_s, dispatched_s
        Of the requests.
    starts_s, finishes_s
        Of the batches on the GPU.
    alone_s
        How long a request takes alone.

    Examples
    --------
    >>> times = (np.array([each]) for each in (1.0, 5.0, 0.0, 5.0))
    >>> blocked_s(*times, alone_s=1.5).tolist()
    [2.5]
    """
    until_s = finishes_s - alone_s
    long = until_s > starts_s
    times_s = np.concatenate([starts_s[long], until_s[long]])
    order = np.argsort(times_s, kind="stable")
    held = np.cumsum(np.repeat([1, -1], int(long.sum()))[order]) > 0  # from each time to the next
    times_s = np.concatenate([[0.0], times_s[order]])
    total_s = np.cumsum(np.concatenate([[0.0], np.diff(times_s) * np.concatenate([[False], held[:-1]])[: len(held)]]))
    return np.asarray(np.interp(dispatched_s, times_s, total_s) - np.interp(arrived_s, times_s, total_s))
