"""Check a policy's parameters, all at once."""

import math
from typing import NamedTuple

from isim.errors import PolicyError


class Check(NamedTuple):
    """Whether one parameter keeps its rule."""

    name: str
    value: object
    valid: bool
    rule: str


def check_parameters(policy: str, *checks: Check) -> None:
    """Raise one error that lists every parameter out of range.

    Raises
    ------
    PolicyError
        A value breaks its rule.

    Examples
    --------
    >>> check_parameters("static", whole("batch_size", 0), seconds("max_delay_s", None))
    Traceback (most recent call last):
    isim.errors.PolicyError: policy static: batch_size is out of range (found 0); give a whole number of at least 1
    """
    problems = [
        f"policy {policy}: {name} is out of range (found {value!r}); give {rule}"
        for name, value, valid, rule in checks
        if not valid
    ]
    if problems:
        raise PolicyError(*problems)


def whole(name: str, value: object, required: bool = False) -> Check:
    """Check for a whole number of at least 1; None stands for left out."""
    return Check(name, value, (value is None and not required) or _is_whole(value), "a whole number of at least 1")


def seconds(name: str, value: object, above_zero: bool = False) -> Check:
    """Check for a duration; None stands for left out."""
    number = isinstance(value, int | float) and (value > 0 if above_zero else value >= 0)
    return Check(name, value, value is None or number, "more than 0 seconds" if above_zero else "at least 0 seconds")


def sizes(name: str, value: object, most: object) -> Check:
    """Check for a tuple of batch sizes, up to `most` where that is a size."""
    limit = most if isinstance(most, int) and _is_whole(most) else None
    fit = isinstance(value, tuple | list) and all(_is_whole(size) and size <= (limit or size) for size in value)
    return Check(name, value, fit, f"whole numbers from 1 to {limit or 'the largest profiled size'}")


def number(name: str, value: object, least: float, most: float = math.inf, above_least: bool = False) -> Check:
    """Check for a number in a range; None stands for left out."""
    real = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    rule = f"{'more than' if above_least else 'at least'} {least:g}" + (
        "" if most == math.inf else f", at most {most:g}"
    )
    return Check(name, value, value is None or (real and not (above_least and value == least)), f"a number of {rule}")


def flag(name: str, value: object) -> Check:
    """Check for a switch."""
    return Check(name, value, isinstance(value, bool), "true or false")


def choice(name: str, value: object, *choices: str) -> Check:
    """Check for one of a few words."""
    return Check(name, value, value in choices, " or ".join(choices))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
