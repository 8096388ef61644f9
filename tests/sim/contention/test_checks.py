"""`check_contention` passes every built-in, and each bad model is caught by the check that is there for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from isim.contention.checks import CONTENTION_CHECKS, check_contention
from isim.contention.contention_file import load_contention
from isim.contention.contract import SPEEDS, ContentionModel, Floats
from isim.operations import Operations
from isim.plugins import list_plugins

PLUGINS = [plugin.name for plugin in list_plugins("isim.contention")]


@pytest.mark.parametrize("spec", [*PLUGINS, "leftover:kappa=2,beta=3", "block-scheduler:kappa=1,hold=0"])
def test_built_ins_pass(spec: str) -> None:
    check_contention(lambda: load_contention(spec)[0])


@njit(SPEEDS)
def _share(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = 1.0 / count


@njit(SPEEDS)
def _freeze(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = 1.0 if count == 1 else 0.0


@njit(SPEEDS)
def _slow_alone(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = 0.9 / count


@njit(SPEEDS)
def _beyond(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count + 1):
        speed[k] = 1.0 / count


@njit(SPEEDS)
def _sorts(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    running[0:count].sort()
    for k in range(count):
        speed[k] = 1.0 / count


@njit(SPEEDS)
def _by_number(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = 1.0 if count == 1 or running[k] % 2 else 0.5


@njit(SPEEDS)
def _gambles(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    luck = 1.0 if count == 1 else np.random.random() * 0.5 + 0.1
    for k in range(count):
        speed[k] = luck


@njit(SPEEDS)
def _by_parameter(running, count, demand, parameters, speed):  # type: ignore[no-untyped-def]
    for k in range(count):
        speed[k] = 1.0 if count == 1 else parameters[0]


class Base:
    """Gives everyone an equal part; each bad model spoils one thing of this."""

    name = "base"
    speeds: Callable[..., Any] = staticmethod(_share)

    @property
    def parameters(self) -> Floats:
        return np.zeros(0)

    def demand(self, operations: Operations) -> Floats:
        return np.zeros((len(operations.kinds), 1))


class LosesParameters(Base):
    def __init__(self, kappa: float = 1.0) -> None:
        self.k = kappa


class Nameless(Base):
    name = ""


class NotCompiled(Base):
    speeds = staticmethod(_share.py_func)


class AsksNaN(Base):
    def demand(self, operations: Operations) -> Floats:
        return np.full((len(operations.kinds), 1), np.nan)


class AsksAtRandom(Base):
    def demand(self, operations: Operations) -> Floats:
        return np.random.default_rng().random((len(operations.kinds), 1))


class Freezes(Base):
    speeds = staticmethod(_freeze)


class SlowAlone(Base):
    speeds = staticmethod(_slow_alone)


class WritesBeyond(Base):
    speeds = staticmethod(_beyond)


class Sorts(Base):
    speeds = staticmethod(_sorts)


class LooksAtNumbers(Base):
    speeds = staticmethod(_by_number)


class Gambles(Base):
    speeds = staticmethod(_gambles)


class DrawsItsParameter(Base):
    speeds = staticmethod(_by_parameter)

    def __init__(self) -> None:
        self.drawn = np.random.default_rng().uniform(0.1, 0.9)

    @property
    def parameters(self) -> Floats:
        return np.array([self.drawn])


class HoldsALambda(Base):
    def __init__(self) -> None:
        self.key = lambda kernel: kernel


class ForgetsWhenPickled(DrawsItsParameter):
    def __init__(self) -> None:
        self.drawn = 0.5

    def __getstate__(self) -> dict[str, float]:
        return {"drawn": 0.25}


BAD: list[tuple[type[ContentionModel], str]] = [
    (LosesParameters, "check_parameters_are_stored: parameter kappa is not kept; set self.kappa = kappa in __init__"),
    (Nameless, "check_form: no name (found ''); set name = 'mine' in the class"),
    (NotCompiled, "check_form: speeds is not compiled (found function); decorate the function with @njit(SPEEDS)"),
    (AsksNaN, "check_demand: demand holds nan; "),
    (AsksAtRandom, "check_demand: other demands when asked again; compute them from the operations alone"),
    (Freezes, "check_speeds: speed 0, where more than 0 and at most 1 is due, for kernels with demands [[0.0], [0.0]"),
    (SlowAlone, "check_speeds: speed 0.9, where a lone kernel must have 1, for kernels with demands [[0.0]]"),
    (WritesBeyond, "check_speeds: speeds raised IndexError at "),
    (Sorts, "check_inputs_are_unchanged: speeds wrote into running; write into speed[0:count] alone"),
    (LooksAtNumbers, "check_demands_and_order_decide: ["),
    (Gambles, "check_demands_and_order_decide: ["),
    (DrawsItsParameter, "check_repeatable: ["),
    (HoldsALambda, "check_pickles: "),
    (ForgetsWhenPickled, "check_pickles: [0.5, 0.5"),
]


@pytest.mark.parametrize(("model", "message"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_bad_models_are_caught(model: type[ContentionModel], message: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_contention(model)
    assert str(error.value).startswith(message)


def test_the_model_that_the_bad_ones_spoil_passes() -> None:
    check_contention(Base)


def test_every_check_catches_something() -> None:
    assert {message.split(":")[0] for _, message in BAD} == {check.__name__ for check in CONTENTION_CHECKS}
