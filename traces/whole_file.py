"""Write a file whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from isim.errors import TraceError


@contextlib.contextmanager
def whole_file(path: str | Path, force: bool = False) -> Iterator[BinaryIO]:
    """Yield an open file that takes the name `path` in the end, and vanishes if anything goes wrong.

    Parameters
    ----------
    force
        Replace an existing file.

    Raises
    ------
    TraceError
        The file exists and `force` is false, or it cannot be written.

    Examples
    --------
    >>> with whole_file("answer.txt") as file:
    ...     _ = file.write(b"whole")
    >>> Path("answer.txt").read_bytes()
    b'whole'
    """
    target = Path(path)
    if target.exists() and not force:
        raise TraceError(f"{path}: exists already; choose another path or replace it with -f/--force")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(target)
    except OSError as error:
        raise TraceError(f"{path}: cannot be written ({error.strerror or error}); choose another path") from None
    finally:  # also when interrupted
        with contextlib.suppress(OSError):
            partial.unlink()
