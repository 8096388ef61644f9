"""Refuse an unknown name, and name the nearest known one."""

import difflib
from collections.abc import Iterable

from isim.errors import ProfileError


def known(name: str, names: Iterable[str], what: str) -> str:
    """Return `name` if it is among `names`.

    Raises
    ------
    ProfileError
        It is not; the message lists what is known and the nearest name.

    Examples
    --------
    >>> known("T4", ["L4", "T4"], "GPU")
    'T4'
    """
    names = sorted(names)
    if name not in names:
        by_lower = {other.lower(): other for other in names}
        near = difflib.get_close_matches(name.lower(), by_lower, 1)
        advice = f"did you mean {by_lower[near[0]]!r}?" if near else "choose one of these"
        raise ProfileError(f"no {what} {name!r} (known: {', '.join(names)}); {advice}")
    return name
