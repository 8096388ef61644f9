"""Check what every contention model must hold, as a user's own model is checked before its first run.

Each check asks fresh models about random sets of kernels and copies, all of whose columns are measured, and raises an
`AssertionError` that names the check.
"""

import pickle
from collections.abc import Callable, Iterator
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.contention.contract import ContentionModel, Floats
from isim.contention.usable import demand_problem, form_problems, speeds_of, speeds_problem
from isim.operations import RESOURCES, Operations
from isim.plugins import parameters_not_kept
from isim.profiler.profile import Profile

MakeContention = Callable[[], ContentionModel]

_KERNELS = 60
_SETS = 300
_MOST_TOGETHER = 8
_EXTREMES = ((0.0,) * 8, (1.0,) * 8)
"""What nothing was asked of, and what asks for everything."""


def check_contention(make_contention: MakeContention) -> None:
    """Run every check on the contention models that `make_contention` builds.

    Parameters
    ----------
    make_contention
        Called without arguments, several times; returns a fresh model each time.

    Raises
    ------
    AssertionError
        A check failed; the message starts with the check's name.

    Examples
    --------
    >>> from isim.contention.leftover import Leftover
    >>> check_contention(lambda: Leftover(kappa=0.9))
    """
    for check in CONTENTION_CHECKS:
        check(make_contention)


def check_parameters_are_stored(make_contention: MakeContention) -> None:
    """The constructor stores its parameters under their own names, so that a run can record them."""
    model = make_contention()
    for name in parameters_not_kept(model):
        _fail("check_parameters_are_stored", f"parameter {name} is not kept; set self.{name} = {name} in __init__")


def check_form(make_contention: MakeContention) -> None:
    """A name, and compiled speeds, an array of parameters and a method demand of the contract's types."""
    model = make_contention()
    if problems := form_problems(model):
        _fail("check_form", "; also ".join(problems))
    if not isinstance(name := getattr(model, "name", None), str) or not name:
        _fail("check_form", f"no name (found {name!r}); set name = 'mine' in the class")


def check_demand(make_contention: MakeContention) -> None:
    """Demands are finite numbers, one row an operation, the same when asked again."""
    model, operations = make_contention(), _operations()
    if problem := demand_problem(model, operations):
        _fail("check_demand", problem)
    if not np.array_equal(model.demand(operations), model.demand(operations)):
        _fail("check_demand", "other demands when asked again; compute them from the operations alone")


def check_speeds(make_contention: MakeContention) -> None:
    """Speeds lie in (0, 1], a lone kernel has 1, and nothing beyond speed[0:count] is written."""
    model = make_contention()
    demand = model.demand(_operations())
    for interpreted in (True, False):  # Python finds an index beyond an array; compiled code is what runs
        for running in _sets():
            if problem := speeds_problem(model, running, demand, interpreted):
                _fail("check_speeds", f"{problem} for {_asked(running, demand)}")


def check_inputs_are_unchanged(make_contention: MakeContention) -> None:
    """Asking for speeds changes neither the demands, nor the parameters, nor what runs."""
    model = make_contention()
    demand, parameters = model.demand(_operations()), model.parameters
    for running in _sets():
        count = len(running)
        given = (running.copy(), demand.copy(), parameters.copy())
        model.speeds(given[0], count, given[1], given[2], np.empty(count))
        for name, before, after in zip(
            ("running", "demand", "parameters"), (running, demand, parameters), given, strict=True
        ):
            if not np.array_equal(before, after):
                _fail("check_inputs_are_unchanged", f"speeds wrote into {name}; write into speed[0:count] alone")


def check_demands_and_order_decide(make_contention: MakeContention) -> None:
    """Kernels of the same demands in the same order have the same speeds, whatever their numbers are."""
    model = make_contention()
    demand = model.demand(_operations())
    place = np.random.default_rng(2).permutation(len(demand))
    moved = np.empty_like(demand)
    moved[place] = demand
    for running in _sets():
        one, two = speeds_of(model, running, demand), speeds_of(model, place[running], moved)
        if not np.array_equal(one, two):
            what = f"{_listed(one[: len(running)])} became {_listed(two[: len(running)])} for {_asked(running, demand)}"
            _fail("check_demands_and_order_decide", f"{what} under other numbers; look at demand[running[k]] alone")


def check_repeatable(make_contention: MakeContention) -> None:
    """Two fresh models, asked in other orders, give the same speeds: nothing is kept from call to call."""
    _compare("check_repeatable", "a second fresh model", make_contention(), make_contention())


def check_pickles(make_contention: MakeContention) -> None:
    """A model survives pickling and then gives the same speeds, so that runs can be spread over processes."""
    try:
        copy = pickle.loads(pickle.dumps(make_contention()))
    except Exception as error:
        what = f"{type(error).__name__}: {error}; keep compiled functions in the class, not in the object"
        _fail("check_pickles", what, error)
    _compare("check_pickles", "the unpickled copy", make_contention(), copy)


CONTENTION_CHECKS: tuple[Callable[[MakeContention], None], ...] = (
    check_parameters_are_stored,
    check_form,
    check_demand,
    check_speeds,
    check_inputs_are_unchanged,
    check_demands_and_order_decide,
    check_repeatable,
    check_pickles,
)


def _operations() -> Operations:
    """Return random kernels with all columns measured, extreme ones, and copies both ways and within the device."""
    luck = np.random.default_rng(0)
    columns = (*RESOURCES, "sm_needed")
    kernels = [dict(zip(columns, row, strict=False)) for row in (*luck.random((_KERNELS, 8)).tolist(), *_EXTREMES)]
    kinds = [*["kernel"] * len(kernels), "memcpy_h2d", "memcpy_h2d", "memcpy_d2h", "memcpy_d2d", "memset"]
    rows = [
        {"model": "m", "batch_size": 1, "sm_share": 1.0, "position": position, "name": kind, "kind": kind}
        | {"duration_ns": 1000, "gap_ns": 0, **{name: columns_of.get(name) for name in columns}}
        for position, (kind, columns_of) in enumerate(zip(kinds, [*kernels, *[{}] * 5], strict=True))
    ]
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    return Operations(Profile.from_table(table, {"origin": "analytic"}), ["m"])


def _sets() -> Iterator[npt.NDArray[np.int64]]:
    """Yield each operation alone, and random sets in random order."""
    count, luck = len(_operations().kinds), np.random.default_rng(1)
    yield from np.arange(count)[:, np.newaxis]
    for size in luck.integers(2, _MOST_TOGETHER + 1, _SETS):
        yield luck.integers(0, count, size)


def _compare(check: str, other_name: str, model: ContentionModel, other: ContentionModel) -> None:
    demand, demand_of_other = (each.demand(_operations()) for each in (model, other))
    sets = list(_sets())
    found = [speeds_of(model, running, demand) for running in sets]
    for running, one in reversed(list(zip(sets, found, strict=True))):
        two = speeds_of(other, running, demand_of_other)
        if not np.array_equal(one, two, equal_nan=True):
            became = f"{_listed(one[: len(running)])} became {_listed(two[: len(running)])} with {other_name}"
            _fail(check, f"{became} for {_asked(running, demand)}; compute speeds from what is passed alone")


def _asked(running: npt.NDArray[np.int64], demand: Floats) -> str:
    return f"kernels with demands {[[round(each, 3) for each in row] for row in demand[running].tolist()]}"


def _listed(speed: Floats) -> str:
    return str([round(each, 6) for each in speed.tolist()])


def _fail(check: str, what: str, cause: Exception | None = None) -> NoReturn:
    raise AssertionError(f"{check}: {what}") from cause
