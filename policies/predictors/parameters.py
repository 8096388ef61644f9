"""Check a predictor's parameters, all at once."""

import math

from isim.errors import PredictorError
from isim.policies.parameters import Check


def check_parameters(predictor: str, *checks: Check) -> None:
    """Raise one error that lists every parameter out of range.

    Raises
    ------
    PredictorError
        A value breaks its rule.

    Examples
    --------
    >>> check_parameters("constant", number("slowdown", 0.5, at_least=1))
    Traceback (most recent call last):
    isim.errors.PredictorError: predictor constant: slowdown is out of range (found 0.5); give a number, at least 1
    """
    problems = [
        f"predictor {predictor}: {name} is out of range (found {value!r}); give {rule}"
        for name, value, valid, rule in checks
        if not valid
    ]
    if problems:
        raise PredictorError(*problems)


def number(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
) -> Check:
    """Check for a finite number between limits."""
    limits = {"above": above, "at least": at_least, "at most": at_most, "below": below}
    rule = ", ".join(f"{words} {limit:g}" for words, limit in limits.items() if math.isfinite(limit))
    valid = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    valid = valid and above < value < below and at_least <= value <= at_most  # type: ignore[operator]
    return Check(name, value, valid, f"a number{', ' if rule else ''}{rule}")
