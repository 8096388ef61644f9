"""What the parameters in a plug-in's spec mean: text read by the types that the class annotates."""

import difflib
import inspect
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from isim.errors import IsimError
from isim.units import parse_rate_rps, parse_seconds

_UNITS = {"_s": parse_seconds, "_rps": parse_rate_rps}
_EXAMPLES = {int: "a whole number, such as 8", float: "a number, such as 0.5", bool: "true or false"}
_LISTS = {int: "4/8", float: "0.5/1"}
BRACES = re.compile(r"\{[^{}]*,[^{}]*\}")
"""As they stand for several variants of a comparison."""


def parameters_of(target: Any) -> dict[str, inspect.Parameter]:
    """Return the parameters that a spec may give a class or function, by name.

    Examples
    --------
    >>> from isim.contention.constant import Constant
    >>> list(parameters_of(Constant))
    ['slowdown']
    """
    found = inspect.signature(target).parameters
    return {n: p for n, p in found.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def read_parameters(where: str, target: Any, text: str, problems: list[str]) -> dict[str, Any]:
    """Return the typed values of `name=value,name=value`; what is wrong with them is added to `problems`.

    Parameters
    ----------
    where
        How the problems call the plug-in.
    target
        The class whose annotations say the types.

    Examples
    --------
    >>> from isim.contention.constant import Constant
    >>> problems: list[str] = []
    >>> read_parameters("contention constant", Constant, "slowdown=2", problems), problems
    ({'slowdown': 2.0}, [])
    """
    known = parameters_of(target)
    values: dict[str, Any] = {}
    if found := BRACES.search(text):
        problems.append(
            f"{where}: braces stand for several variants, which only --policy of 'isim compare' and [[variant]] take "
            f"(found {found[0]!r}); write one value"
        )
        return values
    several = ""
    for item in text.split(",") if text.strip() else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        names = [name for name in (key, *(key + suffix for suffix in _UNITS)) if name in known]
        if not equals or not key:
            advice = several or "write name=value, name=value"
            problems.append(f"{where}: not a parameter (found {item.strip()!r}); {advice}")
        elif not names:
            advice = nearest(key, known) or "leave it out"
            problems.append(f"{where}: no parameter {key} (has: {', '.join(known) or 'none'}); {advice.rstrip('; ')}")
        elif names[0] in values:
            problems.append(f"{where}: {names[0]} is given twice (found {item.strip()!r}); give it once")
        else:
            hint = _hint(target, known[names[0]])
            if typing.get_origin(hint) is tuple:
                several = f"several values of {names[0]} have a / between, not a comma"
            try:
                values[names[0]] = _read_value(names[0], key, value, hint)
            except IsimError as raised:
                # Kept even so: what is given wrong is not also missing.
                values[names[0]] = None
                problems += (f"{where}: {problem}" for problem in raised.problems)
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in values:
            problems.append(f"{where}: {name} is missing (found {text.strip()!r}); add {name}=value")
    return values


def _hint(target: Any, parameter: inspect.Parameter) -> Any:
    """Return the parameter's annotation; without one, the type of its default."""
    try:
        hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except Exception:  # an annotation names what is imported for type checkers alone, say
        hints = {}
    unknown = parameter.default is None or parameter.default is parameter.empty
    return hints.get(parameter.name, str if unknown else type(parameter.default))


def _read_value(name: str, key: str, text: str, hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = typing.get_args(hint)
        if text == "none" and types.NoneType in options:
            return None
        hint = next(option for option in options if option is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        member = typing.get_args(hint)[0]
        try:
            return tuple(_read_value(name, key, part, member) for part in text.split("/") if part)
        except IsimError:
            raise IsimError(
                f"{name} is no list of its type (found {text!r}); give one value, or several with a / between, such as "
                f"{_LISTS.get(member, 'a/b')}"
            ) from None
    if typing.get_origin(hint) is typing.Literal:
        choices = {str(choice): choice for choice in typing.get_args(hint)}
        if text not in choices:
            raise IsimError(f"{name} has no such choice (found {text!r}); give {' or '.join(choices)}")
        return choices[text]
    if hint is float:
        for suffix, parse in _UNITS.items():
            # A bare number is clear only where the name that was written carries the unit.
            if name.endswith(suffix) and not (key == name and _is_number(text)):
                return parse(text, name)
    try:
        if hint is bool:
            return {"true": True, "false": False}[text.lower()]
        if hint in (int, float, str):
            return hint(text)
    except (ValueError, KeyError):
        raise IsimError(f"{name} is of another type (found {text!r}); give {_EXAMPLES[hint]}") from None
    raise IsimError(f"{name} cannot be given as text (its type is {_show_type(hint)}); set it from Python")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def nearest(name: str, known: Mapping[str, Any]) -> str:
    """Return a question for the known name that looks most like one, or nothing.

    Examples
    --------
    >>> nearest("greedi", {"greedy": 1}), nearest("x", {"greedy": 1})
    ('did you mean greedy?; ', '')
    """
    nearest = difflib.get_close_matches(name, known, 1)
    return f"did you mean {nearest[0]}?; " if nearest else ""


def _show_type(hint: Any) -> str:
    return hint.__name__ if inspect.isclass(hint) else str(hint)
