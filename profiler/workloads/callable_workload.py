"""Run any callable of the user's as a workload."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isim.errors import ProfileError


class CallableWorkload:
    """Call what the user's `factory(batch_size)` returned, once a batch; it must return when the batch is done."""

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
        except Exception as error:
            raise ProfileError(
                f"{self.model} at batch size {self.batch_size}: raised {type(error).__name__} ({error}); correct it"
            ) from error

    def close(self) -> None:
        """Forget the callable and what it holds."""
        del self._call


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
    module, _, factory = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), factory)(batch_size)
    except ModuleNotFoundError as error:
        raise ProfileError(f"{spec}: no module {error.name!r}; run isim in its folder, or install it") from error
    except AttributeError as error:
        raise ProfileError(f"{spec}: {error}; name a function of batch_size") from error
    except Exception as error:
        raise ProfileError(f"{spec}: raised {type(error).__name__} ({error}) at batch size {batch_size}") from error
