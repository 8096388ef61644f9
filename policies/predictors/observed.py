"""Refuse an observation that cannot be."""

import math

from isim.errors import PredictorError
from isim.policies.predictors.predictor import Observation

MOST_SLOWDOWN = 1e4
"""Of a batch; beyond it, two different units of time are likelier than starvation."""
_ROUNDING = 1e-6
"""Relative: by how much stays may outlast their batch."""


def check_observation(predictor: str, observation: Observation) -> None:
    """Raise one error that lists everything impossible in `observation`.

    Parameters
    ----------
    predictor
        Who refuses it, for messages.
    observation
        What is about to be learned from.

    Raises
    ------
    PredictorError
        A duration is not a finite number above 0, a slowdown is beyond reason (outside 1e-4 to 1e4), or the stays
        outlast the batch.

    Examples
    --------
    >>> from isim.policies.predictors.predictor import Member
    >>> check_observation("mean", Observation(Member("a", 1, 0.002, {}), float("nan"), (), 0.002))
    Traceback (most recent call last):
    isim.errors.PredictorError: predictor mean: duration_s of a batch of a is not a time above 0 s (found nan); ...
    """
    target, duration_s, stays, solo_s = observation
    if (  # The usual case, in as few steps as can be: every finished batch comes by here.
        0.0 < solo_s < math.inf
        and solo_s <= MOST_SLOWDOWN * duration_s <= MOST_SLOWDOWN * MOST_SLOWDOWN * solo_s
        and _fit(duration_s, stays)
    ):
        return
    where = f"predictor {predictor}:"
    problems = [
        f"{where} {name} of a batch of {target.model} is not a time above 0 s (found {value!r}); "
        "leave such a batch out, or find out why it was measured so"
        for name, value in (("duration_s", duration_s), ("solo_s", solo_s))
        if not 0.0 < value < math.inf
    ]
    if not problems and not 1.0 / MOST_SLOWDOWN <= duration_s / solo_s <= MOST_SLOWDOWN:
        problems.append(
            f"{where} a batch of {target.model} is beyond reason (found {duration_s!r} s, alone {solo_s!r} s); "
            "check that both are seconds"
        )
    if not _fit(duration_s, stays):
        problems.append(
            f"{where} stays of a batch of {target.model} do not fit in it (found {[stay.duration_s for stay in stays]} "
            f"in {duration_s!r} s); give times of at least 0 s that add up to its duration"
        )
    raise PredictorError(*problems)


def _fit(duration_s: float, stays: object) -> bool:
    total_s = 0.0
    for stay_s, _ in stays:  # type: ignore[attr-defined]
        if not stay_s >= 0.0:
            return False
        total_s += stay_s
    return total_s <= duration_s * (1.0 + _ROUNDING) + 1e-9
