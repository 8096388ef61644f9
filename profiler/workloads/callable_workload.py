"""Run any callable of the user's as a workload."""

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from isim.errors import ProfileError
from isim.fault_line import fault, shown, what_raised


class CallableWorkload:
    """Call what the user's `factory(batch_size)` returned, once a batch; it must return when the batch is done.

    Examples
    --------
    >>> workload = CallableWorkload("shouts", 4, lambda: print("ran"))
    >>> workload.run()
    ran
    >>> workload.model, workload.batch_size
    ('shouts', 4)
    >>> workload.close()
    """

    def __init__(self, model: str, batch_size: int, call: Callable[[], object]) -> None:
        self.model, self.batch_size = model, batch_size
        self._call = call

    def run(self, stream: Any = None) -> None:
        """Run one batch in the calling thread.

        Raises
        ------
        ProfileError
            The callable raised.
        """
        try:
            self._call()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() and a cancelled task's are no Exception
            raise call_fault(error, f"{self.model} at batch size {self.batch_size}", self._call) from error

    def close(self) -> None:
        """Forget the callable and what it holds."""
        del self._call


def call_fault(error: BaseException, where: str, call: object, advice: str = "correct it") -> ProfileError:
    """Return what to tell of what a user's callable raised, with its file and line.

    Parameters
    ----------
    error
        What was caught where the callable was called.
    where
        Whose mistake it is.
    advice
        What to do where no line of Python is to blame: the callable is compiled, or takes other arguments.

    Examples
    --------
    >>> str(call_fault(TypeError("no arguments"), "mine:bert at batch size 4", len, "name a function"))
    'mine:bert at batch size 4: raised TypeError (no arguments); name a function'
    """
    if error.__traceback__ is None or error.__traceback__.tb_next is None:
        return ProfileError(f"{where}: raised {what_raised(error)}; {advice}")
    try:
        source = inspect.getsourcefile(call if inspect.isroutine(call) else type(call))
    except TypeError:  # built in
        source = None
    return ProfileError(f"{where}: raised {fault(error, source)}; correct that line")


def call_factory(spec: str, batch_size: int) -> Any:
    """Return what `module:factory` makes for a batch size; modules of the current folder are found.

    Raises
    ------
    ProfileError
        There is no such module or factory, or it raised.

    Examples
    --------
    >>> call_factory("operator:index", 4)
    4
    """
    module_name, _, name = spec.partition(":")
    module = _module(spec, module_name)
    factory = getattr(module, name, None)
    if factory is None:
        file = getattr(module, "__file__", None)  # what is built in has none
        place = f" at {shown(file)}" if file else ""
        raise ProfileError(f"{spec}: no such function (module {module_name!r}{place} lacks it); name one of batch_size")
    try:
        return factory(batch_size)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        where = f"{spec} at batch size {batch_size}"
        raise call_fault(error, where, factory, "name a function of batch_size") from error


def _module(spec: str, name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ProfileError(f"{spec}: {_import_fault(error, name)}") from error


def _import_fault(error: BaseException, name: str) -> str:
    if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
        return f"no module {error.name!r}; run isim in its folder, or install it"
    if isinstance(error, SyntaxError):
        place = f"{shown(error.filename or name)}:{error.lineno or 1}"
        return f"not valid Python at {place} ({error.msg}: {(error.text or '').strip()}); correct that line"
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    own = [file for file in files if file not in (__file__, importlib.__file__) and not file.startswith("<frozen ")]
    if not own:
        return f"raised {what_raised(error)} as it was imported; write module:function"
    return f"raised {fault(error, own[0])} as it was imported; correct that line"
