"""Read and write quantities with units: `5ms`, `2s`, `200rps`."""

import re
from collections.abc import Mapping

from isim.errors import IsimError

# Unit -> (factor, divisor): 9 / 1e3 is the number nearest to 0.009, and 9 * 1e-3 is not.
_SECONDS = {"ns": (1, 1e9), "us": (1, 1e6), "ms": (1, 1e3), "s": (1, 1), "m": (60, 1), "min": (60, 1), "h": (3600, 1)}
_RATES = {"rps": (1, 1), "krps": (1000, 1), "/s": (1, 1), "/min": (1, 60)}
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([a-zA-Zµ/]*)\s*")


def _parse(text: str, where: str, units: Mapping[str, tuple[float, float]], what: str) -> float:
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2].replace("µ", "u") not in units:
        example = "5ms, 2s" if "ms" in units else "200rps"
        raise IsimError(
            f"{where}: not {what} (found {text!r}); write a number and a unit of {', '.join(units)}, such as {example}"
        )
    factor, divisor = units[match[2].replace("µ", "u")]
    return float(match[1]) * factor / divisor


def parse_seconds(text: str, where: str = "duration") -> float:
    """Return the duration `text` names, in seconds.

    Raises
    ------
    IsimError
        The text is not a number with a unit of time; a bare number is refused, since it has none.

    Examples
    --------
    >>> parse_seconds("5ms")
    0.005
    """
    return _parse(text, where, _SECONDS, "a duration")


def parse_rate_rps(text: str, where: str = "rate") -> float:
    """Return the rate `text` names, in requests per second.

    Raises
    ------
    IsimError
        The text is not a number with a unit of rate.

    Examples
    --------
    >>> parse_rate_rps("1.5krps")
    1500.0
    """
    return _parse(text, where, _RATES, "a rate")


def format_seconds(seconds: float) -> str:
    """Write a duration for people, three significant digits and a fitting unit.

    Examples
    --------
    >>> format_seconds(0.00512)
    '5.12 ms'
    >>> format_seconds(0.0), format_seconds(1234.5)
    ('0 ns', '1234 s')
    """
    size = abs(seconds)
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if size >= scale:
            return f"{seconds / scale:.3g} {unit}" if size < 1000 * scale or unit != "s" else f"{seconds:.0f} s"
    return f"{seconds / 1e-9:.3g} ns"
