"""Draw how wrong predictors are: how large their errors are, and how they fall as batches finish."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from isim.traces.plots.curves import Curve
from isim.traces.plots.panels import Panel, panels_svg


def evaluation_svg(results: Sequence[dict[str, Any]], title: str) -> str:
    """Return a picture of what `isim.evaluate.evaluate` found, as an SVG document.

    Parameters
    ----------
    title
        What stands above it.
    """
    panels = []
    for learning, moment in dict.fromkeys((each["learning"], each["moment"]) for each in results):
        own = [each for each in results if (each["learning"], each["moment"]) == (learning, moment)]
        when = f"{'at dispatch' if moment == 'dispatch' else 'with hindsight'}, {learning}"
        panels.append(
            Panel(f"share of batches within the error, {when}", "relative error", [_distribution(e) for e in own])
        )
        panels.append(Panel(f"mean relative error, {when}", "batches finished", [_over_time(each) for each in own]))
    return panels_svg(panels, title)


def _distribution(result: dict[str, Any]) -> tuple[str, Curve]:
    errors = np.array(result["relative_error_percentiles"])
    return result["predictor"], Curve(errors[:100], np.arange(100) / 100)  # the last one is the largest of all


def _over_time(result: dict[str, Any]) -> tuple[str, Curve]:
    curve = result["curve"]
    return result["predictor"], Curve(np.array(curve["observations"], dtype=float), np.array(curve["mape"]))
