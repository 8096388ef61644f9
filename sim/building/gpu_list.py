"""Which GPUs there are, as text: a number, or `2xA.parquet,B.parquet`, how many of each profile."""

import re
from collections.abc import Callable

_LIKE_A_NUMBER = re.compile(r"\s*[-+.\dx]*\s*")
_PART = re.compile(r"(?:(\d{1,9})x)?(.+)")
MOST = 4096
"""Each costs memory for the compiled state of its batches."""


def read_gpus(value: object) -> int | str:
    """Return the number of GPUs as such, or the text that names their profiles, if it can be read.

    Raises
    ------
    ValueError
        Neither, or too many or none; for a field of an experiment.
    """
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}\s*", value):
        value = int(value)
    no_count = isinstance(value, str) and value.strip() and _LIKE_A_NUMBER.fullmatch(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or no_count:
        raise ValueError("neither a number nor profiles; write 4, or 2xA.parquet,B.parquet")
    if isinstance(value, str) and not all(each.strip() for each in value.split(",")):
        raise ValueError("names no profile; write 4, or 2xA.parquet,B.parquet")
    count = value if isinstance(value, int) else len(named_profiles(value))
    if not 1 <= count <= MOST:
        raise ValueError(f"must be at least 1 and at most {MOST} GPUs; correct it, such as 4")
    return value


def named_profiles(gpus: object) -> tuple[str, ...]:
    """Return the profile of each GPU; empty if the text, or number, names none.

    Examples
    --------
    >>> named_profiles("2xanalytic:L4, mine.parquet"), named_profiles(4)
    (('analytic:L4', 'analytic:L4', 'mine.parquet'), ())
    """
    return tuple(name for count, name in _parts(gpus) for _ in range(min(count, MOST + 1)))


def renamed(gpus: object, rename: Callable[[str], str]) -> object:
    """Return the text with other names of profiles; what names none, as it is."""
    parts = _parts(gpus)
    return ",".join(f"{count}x{rename(name)}" for count, name in parts) if parts else gpus


def in_place_of(old: object, new: object) -> object:
    """Return GPUs that are given in place of others; a number of them keeps the profile that the others name.

    Raises
    ------
    ValueError
        A number, and the others name several profiles.

    Examples
    --------
    >>> in_place_of("2xanalytic:T4", 4), in_place_of("2xanalytic:T4", "mine.parquet"), in_place_of(2, 4)
    ('4xanalytic:T4', 'mine.parquet', 4)
    """
    kinds = list(dict.fromkeys(named_profiles(old)))
    if not kinds or isinstance(new, bool) or not re.fullmatch(r"\s*\d{1,9}\s*", str(new)):
        return new
    if len(kinds) > 1:
        each = ",".join(f"{int(str(new))}x{kind}" for kind in kinds)
        raise ValueError(
            f"a number, and those of the file are of several profiles (found {new}, in place of {old}); write how many "
            f"of each, such as {each}"
        )
    return f"{int(str(new))}x{kinds[0]}"


def _parts(gpus: object) -> list[tuple[int, str]]:
    if not isinstance(gpus, str) or _LIKE_A_NUMBER.fullmatch(gpus):
        return []
    found = [_PART.fullmatch(part.strip()) for part in gpus.split(",")]
    return [(int(part[1] or 1), part[2]) for part in found if part]
