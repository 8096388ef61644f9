"""Say in the project's own sentences what pydantic found wrong with an experiment."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

Path = tuple[str | int, ...]

_TYPES = {
    "string_type": "not text; write it in quotes",
    "int_type": "not a whole number; write one, such as 2",
    "int_parsing": "not a whole number; write one, such as 2",
    "int_from_float": "not a whole number; write one, such as 2",
    "float_type": "not a number; write one, such as 0.5",
    "float_parsing": "not a number; write one, such as 0.5",
    "finite_number": "not finite; write a finite number",
    "bool_type": "neither true nor false; write one of them",
    "bool_parsing": "neither true nor false; write one of them",
    "too_short": "empty; name at least one",
    "dict_type": "not a table; write it as a table",
    "model_type": "not a table; write it as a table",
    "model_attributes_type": "not a table; write it as a table",
}


def sentences(
    errors: Iterable[Mapping[str, Any]], file: str, flags: Mapping[Path, str], known: Mapping[Path, Iterable[str]]
) -> list[str]:
    """Return one sentence an error: where, what is wrong (what was found), what to do.

    Parameters
    ----------
    errors
        What `pydantic.ValidationError.errors()` returned.
    file
        How to name the experiment.
    flags
        The flag that set the value at a path, where one did.
    known
        The keys that each table may hold.

    Examples
    --------
    >>> error = {"loc": ("arrivals", "rte"), "type": "extra_forbidden", "input": "5rps"}
    >>> sentences([error], "e.toml", {}, {("arrivals",): ["rate", "duration"]})
    ['e.toml: arrivals.rte: unknown key (known: rate, duration); did you mean rate?']
    """
    return [_sentence(error, file, flags, known) for error in errors]


def _sentence(error: Mapping[str, Any], file: str, flags: Mapping[Path, str], known: Mapping[Path, Any]) -> str:
    path: Path = tuple(error["loc"])
    where = _where(path, file, flags)
    kind, found = error["type"], error["input"]
    if kind == "whole":
        return f"{file or 'experiment'}: {error['msg']}"
    if kind == "extra_forbidden":
        keys = list(known.get(path[:-1], ()))
        near = difflib.get_close_matches(str(path[-1]), keys, 1)
        return f"{where}: unknown key (known: {', '.join(keys)}); {f'did you mean {near[0]}?' if near else 'remove it'}"
    if kind == "missing":
        return f"{where}: missing (has: {', '.join(map(str, found)) or 'nothing'}); add it"
    if kind == "value_error":
        text = str(error["ctx"]["error"])
    elif kind == "literal_error":
        expected = error["ctx"]["expected"]
        near = difflib.get_close_matches(str(found), re.findall(r"'(.*?)'", expected), 1)
        text = f"no such choice; {f'did you mean {near[0]!r}?' if near else f'choose {expected}'}"
    elif kind.startswith(("greater_than", "less_than")):
        limits = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
        limit = next(f"{words} {error['ctx'][key]}" for key, words in limits.items() if key in error["ctx"])
        text = f"must be {limit}; correct it"
    else:
        text = _TYPES.get(kind, f"{error['msg']}; correct it")
    what, _, advice = text.partition("; ")
    return f"{where}: {text}" if "(found " in text else f"{where}: {what} (found {found!r}); {advice}"


def _where(path: Path, file: str, flags: Mapping[Path, str]) -> str:
    for length in range(len(path), 0, -1):
        if path[:length] in flags:
            return " ".join([flags[path[:length]], *map(str, path[length:])])
    return ": ".join(part for part in (file, ".".join(map(str, path))) if part)
