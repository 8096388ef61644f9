"""An alarm on a predictor's errors."""

from typing import Any

import numpy as np
import numpy.typing as npt
from river.drift import PageHinkley

CALIBRATION = 0.25
"""Of the batches: their errors say what is usual."""


def alarm_at(error: npt.NDArray[np.float64], delta: float, threshold: float) -> int | None:
    """Return the batch, from the end of calibration on, at which Page-Hinkley first says that errors grew.

    Parameters
    ----------
    error
        Of each batch, in order of finish, not negative.
    delta, threshold
        Of the test, in standard deviations of the errors of calibration.

    Examples
    --------
    >>> error = np.tile([0.1, 0.2], 100)
    >>> alarm_at(error, 0.5, 10.0), alarm_at(error + 0.5 * (np.arange(200) >= 150), 0.5, 10.0)
    (None, 151)

    References
    ----------
    Page, *Continuous inspection schemes*, Biometrika 41, 1954; as in river.
    """
    edge = int(CALIBRATION * len(error))
    mean, sd = error[:edge].mean(), error[:edge].std()
    watch: Any = PageHinkley(delta=delta, threshold=threshold, mode="up")
    for place in range(edge, len(error)):
        watch.update((error[place] - mean) / sd)
        if watch.drift_detected:
            return place
    return None
