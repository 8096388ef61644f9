"""What every section of the validation report is made of: numbers for the JSON, lines for the page, and plots."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_RESAMPLES = 1000


class Section(NamedTuple):
    """One marked part of the page."""

    figures: Mapping[str, Any]
    """By model, or by what was simulated: n, mape, p90_ape, intervals, folds, repeatability."""
    lines: Sequence[str]
    plots: Mapping[str, str]
    """SVG by file name."""


def percent(value: float | None, digits: int = 1) -> str:
    """Return a ratio as per cent, `-` for what is not known."""
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def spread(low: float, high: float) -> str:
    """Return an interval as per cent."""
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def resampled(values: Floats, owner: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values, from resamples of their owners with all that is theirs."""
    _, places = np.unique(owner, return_inverse=True)
    count = int(places.max()) + 1
    draws = np.random.default_rng(0).integers(0, count, (_RESAMPLES, count))
    weights = np.stack([np.bincount(draw, minlength=count) for draw in draws])[:, places]
    low, high = np.percentile((weights @ values) / weights.sum(axis=1), [2.5, 97.5])
    return float(low), float(high)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return a Markdown table; columns after the first `left` are aligned right."""
    rule = ["---"] * left + ["--:"] * (len(header) - left)
    return [f"| {' | '.join(header)} |", f"|{'|'.join(rule)}|", *(f"| {' | '.join(row)} |" for row in rows)]
