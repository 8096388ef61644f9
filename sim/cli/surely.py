"""`--fail-if` of a comparison: a condition that holds of a whole interval, so that luck fails nobody."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from isim.cli.fail_if import CHANGE, Condition
from isim.statistics import Interval


def check_figure(condition: Condition, figures: Iterable[str]) -> None:
    """Refuse a condition on a figure that there will not be, before anything runs.

    Raises
    ------
    click.BadParameter
        There is no such figure.
    """
    condition.holds(dict.fromkeys([each for name in figures for each in (name, f"{CHANGE}{name}")], 0.0))


def leave_if_any(
    condition: Condition,
    variants: Sequence[str],
    figures: Iterable[str],
    interval: Callable[[str, str], Interval | None],
    difference: Callable[[str, str], Interval | None],
) -> None:
    """Exit with 3 if the condition holds of a figure's whole interval, for any of the variants.

    Parameters
    ----------
    condition
        Of a figure, or of its difference to the baseline: `minus_baseline_` and the figure.
    variants
        The baseline first.
    interval, difference
        Of a variant, a figure's interval, and that of its difference to the baseline.

    Raises
    ------
    click.BadParameter
        There is no such figure.
    """
    known = list(figures)
    others = variants[1:] if condition.figure.startswith(CHANGE) and len(variants) > 1 else variants
    for variant in others:
        found = {name: interval(variant, name) for name in known}
        if variant != variants[0]:
            found |= {f"{CHANGE}{name}": difference(variant, name) for name in known}
        lows, highs = ({name: _end(each, low) for name, each in found.items()} for low in (True, False))
        surely = condition.holds(lows) and condition.holds(highs)
        condition.leave_if(surely, highs if condition.sign.startswith("<") else lows)


def _end(found: Interval | None, low: bool) -> Any:
    if found is None:
        return None
    end = found.low if low else found.high
    return found.mean if end is None else end
