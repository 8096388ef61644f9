"""Find a policy, contention model or other plug-in by name or in a file, and build it from a spec.

A spec is `name`, `name:parameter=value,parameter=value`, or the same with `path/to/file.py:Class` for the name.
"""

import difflib
import hashlib
import importlib.util
import inspect
import re
import sys
import types
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

from isim.errors import IsimError
from isim.fault_line import fault, shown, what_raised, where_raised
from isim.plugin_parameters import nearest, parameters_of, read_parameters

_FILE = re.compile(r"(?P<name>(?P<path>.+\.py)(?::(?P<symbol>[^:=,]*))?)(?::(?P<parameters>.*))?")


class Plugin(NamedTuple):
    """What `isim list` says of one plug-in.

    Examples
    --------
    >>> constant, = (plugin for plugin in list_plugins("isim.contention") if plugin.name == "constant")
    >>> constant.parameters
    {'slowdown': '1.5'}
    """

    name: str
    summary: str
    """First sentence of the class's docstring."""
    parameters: dict[str, str]
    """Parameter name -> its default as text, or `required`."""


def list_plugins(group: str) -> list[Plugin]:
    """Return every installed plug-in of an entry-point group, by name.

    Examples
    --------
    >>> [plugin.name for plugin in list_plugins("isim.contention")][:2]
    ['block-scheduler', 'constant']
    """
    plugins = []
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        try:
            target = entry.load()
        except Exception as error:  # a third party's import may raise anything; the others are still worth listing
            plugins.append(Plugin(entry.name, f"Cannot be loaded ({what_raised(error)}).", {}))
            continue
        text = " ".join((inspect.getdoc(target) or "").split("\n\n")[0].split())
        defaults = {
            name: "required" if parameter.default is parameter.empty else _show(parameter.default)
            for name, parameter in parameters_of(target).items()
        }
        plugins.append(Plugin(entry.name, re.split(r"(?<=\.)\s", text)[0], defaults))
    return plugins


def load_plugin(kind: str, group: str, spec: str, error: type[IsimError]) -> Any:
    """Build the plug-in that `spec` names.

    Parameters
    ----------
    kind
        What the plug-in is, for messages: `policy`, `contention model`.
    group
        The entry-point group in which names are looked up.
    spec
        The name or file, and the parameters.
    error
        What to raise.

    Raises
    ------
    IsimError
        As `error`: see `parse_plugin`; or the class refuses the parameters.

    Examples
    --------
    >>> from isim.errors import PolicyError
    >>> load_plugin("policy", "isim.policies", "greedy:max_batch=4", PolicyError).max_batch
    4
    """
    target, parameters = parse_plugin(kind, group, spec, error)
    try:
        return target(**parameters)
    except IsimError:
        raise
    except (Exception, SystemExit) as raised:
        raise error(
            f"{kind} {spec}: {target.__name__} raised {fault(raised, inspect.getsourcefile(target))}; "
            "correct the parameters or the class"
        ) from raised


def check_methods(built: object, where: str, methods: Mapping[str, str], error: type[IsimError]) -> None:
    """Check that a plug-in has the methods of its kind, and that they take what they will be given.

    Parameters
    ----------
    built
        The plug-in.
    where
        How messages call it.
    methods
        By name the arguments of each, as they are written: `view, event`.
    error
        What to raise.

    Raises
    ------
    IsimError
        As `error`: a method is missing or takes other arguments; all at once.

    Examples
    --------
    >>> check_methods("text", "policy mine.py:Text", {"title": "", "decide": "view, event"}, IsimError)
    Traceback (most recent call last):
    isim.errors.IsimError: policy mine.py:Text: no method decide (has: none); add decide(self, view, event)
    """
    problems = []
    for name, arguments in methods.items():
        method = getattr(built, name, None)
        if not callable(method):
            own = [each for each, _ in inspect.getmembers(built, inspect.ismethod) if not each.startswith("_")]
            problems.append(f"no method {name} (has: {', '.join(own) or 'none'}); add {name}(self, {arguments})")
            continue
        try:
            inspect.signature(method).bind(*filter(None, arguments.split(", ")))
        except TypeError:
            found = f"found {name}{inspect.signature(method)}"
            problems.append(f"{name} takes other arguments ({found}); write {name}(self, {arguments})")
    if problems:
        raise error(*(f"{where}: {problem}" for problem in problems))


def parse_plugin(kind: str, group: str, spec: str, error: type[IsimError]) -> tuple[type[Any], dict[str, Any]]:
    """Return the class and the typed parameters that `spec` names.

    Values get the type of the constructor's annotation: int, float, bool, str, a choice of literals, a tuple written
    `4/8`, or one of these or `none`. A parameter whose name ends in `_s` takes a duration, `2ms`, and is then also
    known without the suffix; `_rps` likewise takes a rate.

    Raises
    ------
    IsimError
        As `error`: name, file, class or a parameter unknown, or a value of another type; all parameters at once.

    Examples
    --------
    >>> from isim.errors import PolicyError
    >>> parse_plugin("policy", "isim.policies", "dynamic:max_queue_delay=2ms,preferred_batch_sizes=4/8", PolicyError)
    (<class 'isim.policies.dynamic.Dynamic'>, {'max_queue_delay_s': 0.002, 'preferred_batch_sizes': (4, 8)})
    """
    spec = spec.strip()
    in_file = _FILE.fullmatch(spec)
    if in_file:
        target = _load_from_file(kind, Path(in_file["path"]), in_file["symbol"] or "", error)
        name, text = in_file["name"], in_file["parameters"] or ""
    else:
        name, _, text = spec.partition(":")
        target = _load_by_name(kind, group, name, error)
    problems: list[str] = []
    parameters = read_parameters(f"{kind} {name}", target, text, problems)
    if problems:
        raise error(*problems)
    return target, parameters


def _load_by_name(kind: str, group: str, name: str, error: type[IsimError]) -> Any:
    entries = {entry.name: entry for entry in entry_points(group=group)}
    if name not in entries:
        raise error(
            f"{kind} {name or repr(name)}: unknown (known: {', '.join(sorted(entries)) or 'none'}); "
            f"{nearest(name, entries)}one of your own is written path/to/file.py:Class"
        )
    try:
        return entries[name].load()
    except Exception as raised:  # a third party's import may raise anything
        raise error(
            f"{kind} {name}: cannot be loaded from {entries[name].value} ({what_raised(raised)}); "
            "reinstall the package that provides it"
        ) from raised


def _load_from_file(kind: str, path: Path, symbol: str, error: type[IsimError]) -> Any:
    try:
        source = path.read_bytes()
    except (OSError, ValueError) as raised:  # the one for a path that holds a NUL
        raise error(
            f"{kind} {path}: cannot be read ({getattr(raised, 'strerror', raised)}); give the path of a Python file"
        ) from None
    # Named by content, so that an edited file is loaded anew and an unedited one keeps its classes (pickle needs that).
    module_name = f"isim_plugin_{hashlib.sha256(bytes(path.resolve()) + source).hexdigest()[:16]}"
    module = sys.modules.get(module_name) or _run_file(kind, path, module_name, error)
    classes = [n for n, v in vars(module).items() if inspect.isclass(v) and v.__module__ == module_name]
    target = getattr(module, symbol, None) if symbol else None
    if not inspect.isclass(target):
        found = f"no class {symbol!r}" if symbol else "names no class"
        own = ", ".join(sorted(classes)) or "none"
        example = f"{path}:{(difflib.get_close_matches(symbol, classes, 1) or sorted(classes) or ['Class'])[0]}"
        raise error(f"{kind} {path}: {found} (classes in it: {own}); write {example}")
    return target


def _run_file(kind: str, path: Path, module_name: str, error: type[IsimError]) -> types.ModuleType:
    import_spec = importlib.util.spec_from_file_location(module_name, path)
    assert import_spec is not None and import_spec.loader is not None  # always so for a name that ends in .py
    module = importlib.util.module_from_spec(import_spec)
    sys.modules[module_name] = module  # dataclasses and pickle look a class's module up here
    try:
        import_spec.loader.exec_module(module)
    except SyntaxError as raised:
        del sys.modules[module_name]
        where, what = shown(raised.filename or path), (raised.text or "").strip()
        raise error(
            f"{kind} {where}:{raised.lineno or 1}: not valid Python ({raised.msg}: {what}); correct that line"
        ) from raised
    except (Exception, SystemExit) as raised:
        del sys.modules[module_name]
        where, line = where_raised(raised, path)
        raise error(f"{kind} {where}:{line}: {what_raised(raised)}; correct that line") from raised
    return module


def _show(default: object) -> str:
    if isinstance(default, tuple):
        return "/".join(map(str, default)) or "none"
    return "none" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def parameters_not_kept(plugin: object) -> list[str]:
    """Return the parameters of an object's constructor that it does not hold under their names.

    Examples
    --------
    >>> class Forgetful:
    ...     def __init__(self, kept: int = 1, lost: int = 2) -> None:
    ...         self.kept = kept
    >>> parameters_not_kept(Forgetful())
    ['lost']
    """
    return [
        name
        for name, parameter in inspect.signature(type(plugin)).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY) and not hasattr(plugin, name)
    ]
