"""The contention models that a calibration fits, and the parameters that it tries of each."""

import inspect
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from isim.contention.contract import ContentionModel
from isim.contention.usable import check_usable
from isim.errors import ContentionError, IsimError
from isim.operations import Operations
from isim.plugins import load_plugin, parse_plugin

_KIND, _GROUP = "contention model", "isim.contention"


def load_targets(names: Sequence[str]) -> dict[str, type[Any]]:
    """Return the classes of contention models by the names that a user gave: a plug-in's, or path/to/file.py:Class.

    Raises
    ------
    ContentionError
        A name is unknown, or comes with parameters; all problems at once.

    Examples
    --------
    >>> load_targets(["fair"])
    {'fair': <class 'isim.contention.fair.Fair'>}
    """
    targets: dict[str, type[Any]] = {}
    problems: list[str] = []
    for name in names:
        try:
            targets[name.strip()], parameters = parse_plugin(_KIND, _GROUP, name, ContentionError)
        except IsimError as error:
            problems += error.problems
            continue
        if parameters:
            problems.append(f"contention {name}: its parameters are fitted; leave them out")
    if problems:
        raise ContentionError(*problems)
    return targets


def tried(target: type[Any]) -> list[dict[str, float]]:
    """Return every combination of parameters that a model's `search` names.

    Examples
    --------
    >>> from isim.contention.constant import Constant
    >>> tried(Constant)[:2]
    [{'slowdown': 1.0}, {'slowdown': 1.25}]
    """
    search = getattr(target, "search", {})
    return [dict(zip(search, values, strict=True)) for values in itertools.product(*search.values())]


def check_target(name: str, target: type[Any], operations: Operations) -> None:
    """Check a model with all parameters that will be tried, on the kernels that it is to slow down.

    Raises
    ------
    ContentionError
        It cannot be built or used; the first fault.
    """
    if problem := _search_problem(target):
        raise ContentionError(f"contention {name}: {problem}")
    for point in [{}, *tried(target)]:
        spec = name + "".join(f"{',' if i else ':'}{key}={value!r}" for i, (key, value) in enumerate(point.items()))
        model: ContentionModel = load_plugin(_KIND, _GROUP, spec, ContentionError)
        check_usable(model, operations, spec)


def _search_problem(target: type[Any]) -> str | None:
    search = getattr(target, "search", {})
    how = "write search = {'parameter': (0.5, 1.0)}"
    if not isinstance(search, Mapping):
        return f"search is no mapping of parameters to values (found {search!r}); {how}"
    for name, values in search.items():
        numbers = isinstance(values, Sequence) and all(isinstance(value, int | float) for value in values)
        if not numbers or isinstance(values, str) or not values:
            return f"search is no mapping of parameters to values (found {name!r}: {values!r}); {how}"
        known = inspect.signature(target).parameters.get(name)
        if known is not None and known.default not in values:
            return f"search does not hold the default {name} {known.default!r} (found {values!r}); add it"
    return None
