"""Readings over time by name."""

from isim.policies.predictors.over_time.ewma import Ewma
from isim.policies.predictors.over_time.overlap import Overlap
from isim.policies.predictors.over_time.reading import Reading, ReadingName
from isim.policies.predictors.over_time.remaining import Remaining
from isim.policies.predictors.over_time.static import Static


def make_reading(name: ReadingName, alpha: float) -> Reading:
    """Return the reading of that name; `alpha` is for the moving averages.

    Examples
    --------
    >>> make_reading("ewma", 0.3).alpha
    0.3
    """
    if name in ("ewma", "ewma-predicted"):
        return Ewma(alpha, of_predictions=name == "ewma-predicted")
    others: dict[str, Reading] = {"static": Static(), "overlap": Overlap(), "remaining": Remaining()}
    return others[name]
