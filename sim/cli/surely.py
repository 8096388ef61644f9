"""`--fail-if` of a comparison: a condition that holds of a whole interval, so that luck fails nobody."""

from typing import Any

from isim.cli.fail_if import Condition
from isim.comparison.comparison import Comparison
from isim.statistics import Interval

_CHANGE = "minus_baseline_"


def leave_if_any(condition: Condition, found: Comparison) -> None:
    """Exit with 3 if the condition holds of a figure's whole interval, for any of the variants.

    Parameters
    ----------
    condition
        Of a figure of all requests together, or of its difference to the baseline: `minus_baseline_` and the figure.

    Raises
    ------
    click.BadParameter
        There is no such figure.
    """
    others = found.variants[1:]
    changes = condition.figure.startswith(_CHANGE) and others
    for variant in others if changes else found.variants:
        lows, highs = {}, {}
        for figure in found.figures[variant][0]["total"]:
            for name, interval in (
                (figure, found.interval(variant, figure)),
                (f"{_CHANGE}{figure}", found.difference(variant, figure) if variant in others else None),
            ):
                lows[name], highs[name] = _ends(interval)
        both = condition.holds(lows), condition.holds(highs)
        condition.leave_if(all(both), highs if condition.sign.startswith("<") else lows)


def _ends(found: Interval | None) -> tuple[Any, Any]:
    if found is None:
        return None, None
    return (found.mean, found.mean) if found.low is None else (found.low, found.high)
