"""Compare two traces by their statistics."""

from collections.abc import Iterator, Mapping
from typing import Any

from isim.traces.statistics import describe
from isim.traces.trace import Trace


def diff(first: Trace, second: Trace) -> dict[str, Any]:
    """Return `same`, whether the requests are equal whatever files hold them, and `figures`: name -> one and other.

    A figure that only one of them has, such as that of a model, is None for the other.

    Examples
    --------
    >>> one, two = (Trace.from_columns(arrival_ns=[0, last], model="a") for last in (10**9, 10**9 * 2))
    >>> diff(one, two)["same"], diff(one, two)["figures"]["rate_rps"]
    (False, (2.0, 1.0))
    """
    one, other = dict(_flat(describe(first))), dict(_flat(describe(second)))
    names = sorted({*one, *other}, key=lambda name: ("models." in name, [*one, *other].index(name)))
    return {
        "same": first.digest() == second.digest(),
        "figures": {name: (one.get(name), other.get(name)) for name in names},
    }


def _flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield from ((f"{prefix}{name}.{place}", entry) for place, entry in enumerate(value, start=1))
        else:
            yield f"{prefix}{name}", value
