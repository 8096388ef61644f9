"""Refuse a contention model that the engine cannot use, or whose speeds are no speeds."""

import inspect
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.core.types import none
from numba.extending import is_jitted

from isim.contention.contract import SPEEDS, Floats
from isim.errors import ContentionError, IsimError
from isim.fault_line import fault, one_line
from isim.operations import Operations

_ARGUMENTS = "running, count, demand, parameters, speed"
_SETS = 100
_MOST_ALONE = 1000
_MOST_TOGETHER = 8
_INTERPRETED = 8
"""So many sets are also tried uncompiled, where an index beyond an array is an error and not a foreign number."""
_BEYOND = 4
_UNTOUCHED = -7.0


def check_usable(model: Any, operations: Operations, spec: str) -> None:
    """Check a contention model on the kernels that it is to slow down: each alone, and random sets of them.

    Parameters
    ----------
    model
        What claims to be a contention model.
    operations
        The kernels.
    spec
        How to name the model.

    Raises
    ------
    ContentionError
        It is none: something is missing, of another type or shape, not compiled, or a speed is not in (0, 1].

    Examples
    --------
    See `isim.contention.checks.check_contention`, which checks more.
    """
    if problems := form_problems(model):
        raise ContentionError(*(f"contention {spec}: {problem}" for problem in problems))
    if problem := demand_problem(model, operations) or _speed_problem(model, operations):
        raise ContentionError(f"contention {spec}: {problem}")


def form_problems(model: Any) -> list[str]:
    """Return what is wrong with the parts of a model, before it is asked about any kernel."""
    held = {*dir(type(model)), *getattr(model, "__dict__", {})}
    if missing := [name for name in ("speeds", "parameters", "demand") if name not in held]:
        return [f"no {', '.join(missing)}; a contention model has speeds, parameters and demand"]
    problems = [_uncompiled(model), _parameters_problem(model)]
    if not callable(model.demand) or not _takes(model.demand, 1):
        problems.append("demand takes other arguments; write demand(self, operations)")
    return [problem for problem in problems if problem]


def _uncompiled(model: Any) -> str | None:
    speeds = inspect.getattr_static(model, "speeds")
    if isinstance(speeds, staticmethod):
        speeds = speeds.__func__
    elif is_jitted(speeds) and "speeds" not in getattr(model, "__dict__", {}):
        return "speeds would be called with self; write speeds = staticmethod(...)"
    if not is_jitted(speeds):
        return f"speeds is not compiled (found {type(speeds).__name__}); decorate the function with @njit(SPEEDS)"
    if not _takes(speeds.py_func, 5):
        return f"speeds takes other arguments (found {inspect.signature(speeds.py_func)}); write ({_ARGUMENTS})"
    try:
        speeds.compile(SPEEDS.args)
    except Exception as raised:
        if not isinstance(raised, RuntimeError):
            return f"speeds cannot be compiled: {fault(raised, _source(model))}; use what numba compiles"
    compiled = speeds.overloads.get(SPEEDS.args)
    if compiled is None:
        return "speeds is compiled for other types; decorate the function with @njit(SPEEDS)"
    if compiled.signature.return_type != none:
        return f"speeds returns {compiled.signature.return_type}; write into speed[0:count] and return nothing"
    return None


def _parameters_problem(model: Any) -> str | None:
    try:
        found = model.parameters
    except IsimError:
        raise
    except Exception as raised:
        return f"parameters raised {fault(raised, _source(model))}; return a float64 array"
    return _array_problem("parameters", found, 1) or None


def demand_problem(model: Any, operations: Operations) -> str | None:
    """Return what is wrong with the demands; a user's error that the model raises passes through."""
    try:
        found = model.demand(operations)
    except IsimError:
        raise
    except Exception as raised:
        return f"demand raised {fault(raised, _source(model))}; correct that line"
    if problem := _array_problem("demand", found, 2):
        return problem
    rows = len(operations.kinds)
    if len(found) != rows:
        return f"demand has {len(found)} rows for {rows} operations; return one row an operation"
    return None


def _array_problem(name: str, found: Any, dimensions: int) -> str | None:
    how = f"return a {dimensions}-dimensional float64 array of finite numbers, laid out as np.ascontiguousarray does"
    if not isinstance(found, np.ndarray):
        return f"{name} is no array (found {type(found).__name__}); {how}"
    if found.ndim != dimensions or found.dtype != np.float64:
        return f"{name} is another array (found {found.dtype}, {found.ndim}-dimensional); {how}"
    if not found.flags.c_contiguous or not found.flags.writeable:
        return f"{name} is not {'contiguous' if found.flags.writeable else 'writeable'}; {how}"
    if not np.isfinite(found).all():
        return f"{name} holds {found[~np.isfinite(found)][0]}; {how}"
    return None


def _speed_problem(model: Any, operations: Operations) -> str | None:
    demand, kernels = model.demand(operations), np.flatnonzero(operations.duration_s > 0)
    if not kernels.size:
        return None
    alone = kernels[np.unique(demand[kernels], axis=0, return_index=True)[1]][:_MOST_ALONE, np.newaxis]
    luck = np.random.default_rng(0)
    together = [luck.choice(kernels, size) for size in luck.integers(2, _MOST_TOGETHER + 1, _SETS)]
    tried = chain(alone[:_INTERPRETED], together[:_INTERPRETED])
    for interpreted, running in chain(((True, r) for r in tried), ((False, r) for r in chain(alone, together))):
        if problem := speeds_problem(model, running, demand, interpreted):
            return f"{problem} for {_named(running, operations)}; correct speeds"
    return None


def speeds_problem(model: Any, running: npt.NDArray[np.int64], demand: Floats, interpreted: bool) -> str | None:
    """Return what is wrong with the speeds of one set of kernels.

    Parameters
    ----------
    running
        Rows of the demand, in order of starts.
    interpreted
        Let Python run the function, which finds an index that lies beyond an array.
    """
    try:
        speed = speeds_of(model, running, demand, interpreted)
    except Exception as raised:
        return f"speeds raised {fault(raised, _source(model))}"
    count = len(running)
    if (speed[count:] != _UNTOUCHED).any():
        return "speeds wrote beyond speed[0:count]"
    if wrong := [each for each in speed[:count].tolist() if not 0.0 < each <= 1.0 + 1e-9]:
        return f"speed {wrong[0]:.9g}, where more than 0 and at most 1 is due,"
    if count == 1 and abs(speed[0] - 1.0) > 1e-9:
        return f"speed {speed[0]:.9g}, where a lone kernel must have 1,"
    return None


def speeds_of(model: Any, running: npt.NDArray[np.int64], demand: Floats, interpreted: bool = False) -> Floats:
    """Return what a model writes for one set of kernels, with NaN where it writes nothing."""
    count = len(running)
    speed = np.full(count if interpreted else count + _BEYOND, _UNTOUCHED)
    speed[:count] = np.nan
    function = model.speeds.py_func if interpreted else model.speeds
    with np.errstate(all="ignore"):
        function(running.astype(np.int64), count, demand, model.parameters, speed)
    return speed


def _named(running: Sequence[Any] | npt.NDArray[np.int64], operations: Operations) -> str:
    names = ["{} batch size {} position {}".format(*operations.owners[int(i)]) for i in running]
    return one_line(f"[{', '.join(names)}]")


def _takes(function: Any, arguments: int) -> bool:
    try:
        inspect.signature(function).bind(*range(arguments))
    except (TypeError, ValueError):
        return False
    return True


def _source(model: Any) -> str | None:
    try:
        return inspect.getsourcefile(type(model))
    except TypeError:
        return None
