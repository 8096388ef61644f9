"""Check an arrival process's parameters, all at once."""

import math

from isim.errors import TraceError


def check_parameters(process: str, **rules: tuple[object, bool, str]) -> None:
    """Raise one error that lists every parameter out of range.

    Parameters
    ----------
    process
        How the process is called on the command line.
    rules
        By parameter: what was given, whether it is valid, and what to give instead.

    Raises
    ------
    TraceError
        A parameter is not valid.

    Examples
    --------
    >>> check_parameters("gamma", cv=(0, False, "more than 0"))
    Traceback (most recent call last):
    isim.errors.TraceError: arrival process gamma: cv is out of range (found 0); give more than 0
    """
    problems = [
        f"arrival process {process}: {name} is out of range (found {_shown(value)}); give {what}"
        for name, (value, valid, what) in rules.items()
        if not valid
    ]
    if problems:
        raise TraceError(*problems)


def duration(value_s: float) -> tuple[object, bool, str]:
    """Return the rule for a duration in seconds, above zero and finite.

    Examples
    --------
    >>> duration(2.0)
    (2.0, True, 'a finite duration of more than 0 s')
    """
    return value_s, 0 < value_s < math.inf, "a finite duration of more than 0 s"


def burstiness(cv: float) -> tuple[object, bool, str]:
    """Return the rule for a CV of gaps that may lie on both sides of 1.

    Examples
    --------
    >>> burstiness(200.0)
    (200.0, False, "0.01 to 100, or choose 'constant' for equal gaps")
    """
    # Far below 0.01 nothing would differ from 'constant'; above 100 a gap outlasts any trace.
    return cv, 0.01 <= cv <= 100, "0.01 to 100, or choose 'constant' for equal gaps"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "/".join(map(_shown, value)) or "nothing"
    return f"{value:g}" if isinstance(value, float) else repr(value)
