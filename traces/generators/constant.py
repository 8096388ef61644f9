"""Equal gaps: a camera, a sensor, a load generator with a fixed rate."""

import numpy as np
import numpy.typing as npt


def constant(rng: np.random.Generator, rate_rps: float, duration_ns: int) -> npt.NDArray[np.int64]:
    """Return arrivals in ns over [0, duration) with equal gaps and a random phase.

    Parameters
    ----------
    rng
        What draws the phase, lest models of equal rate all arrive at the same instants.
    rate_rps
        Requests per second.
    duration_ns
        How long, in ns.

    Examples
    --------
    >>> constant(np.random.default_rng(1), rate_rps=1000, duration_ns=3_000_000)
    array([ 511821, 1511821, 2511821])
    """
    gap_ns = 1e9 / rate_rps
    arrival_ns = ((rng.random() + np.arange(int(duration_ns / gap_ns) + 1)) * gap_ns).astype(np.int64)
    return arrival_ns[: int(np.searchsorted(arrival_ns, duration_ns))]
