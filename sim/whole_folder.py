"""Write a folder whole or not at all, whatever happens meanwhile."""

import errno
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from isim.errors import RunError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing(folder: str | Path, force: bool = False, mark: str = "run.json") -> Iterator[Path]:
    """Yield an empty folder that takes the name `folder` in the end, and vanishes if anything goes wrong.

    Parameters
    ----------
    folder
        A name not taken yet; the folders above it are made.
    force
        Replace a folder of this kind that has the name, once the new one is complete.
    mark
        The file by which such a folder is known; a folder without it is somebody else's, and never replaced.

    Raises
    ------
    RunError
        The name is taken, or something cannot be written (the disk is full, say).
    """
    shown, folder = str(folder), Path(os.path.realpath(folder))  # what a link leads to is replaced, not the link
    _check_free(shown, folder, force, mark)
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    made: list[Path] = []
    with _terminable():
        try:
            for above in reversed([path for path in partial.parents if not path.exists()]):
                above.mkdir()
                made.append(above)
            partial.mkdir()
            yield partial
            _to_disk(partial)
            _check_free(shown, folder, force, mark)
            _rename(partial, folder)
        except BaseException as error:
            shutil.rmtree(partial, ignore_errors=True)
            for above in reversed(made):
                with suppress(OSError):
                    above.rmdir()
            if isinstance(error, OSError):
                reason = error.strerror or str(error).splitlines()[0]
                advice = "make room, or choose another disk" if error.errno in _FULL else "choose another folder"
                raise RunError(f"{shown}: cannot be written ({reason}); {advice} with -o; nothing was kept") from None
            raise


def _check_free(shown: str, folder: Path, force: bool, mark: str) -> None:
    if not os.path.lexists(folder):
        return
    if folder.is_dir() and (not any(folder.iterdir()) or (folder / mark).is_file()):
        if not force:
            raise RunError(f"{shown}: exists already; choose another folder with -o, or replace it with -f/--force")
    else:
        found = f"no {mark} in it" if folder.is_dir() else "a file"
        raise RunError(f"{shown}: exists and is not what -f/--force may replace ({found}); choose another with -o")


def _to_disk(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _rename(partial: Path, folder: Path) -> None:
    old = partial.with_suffix(".old")
    replaced = folder.exists()
    if replaced:
        folder.rename(old)
    try:
        partial.rename(folder)
    except BaseException:
        if replaced:
            old.rename(folder)
        raise
    if replaced:
        shutil.rmtree(old, ignore_errors=True)
    with suppress(OSError):  # not every file system can
        _sync_name(folder.parent)


def _sync_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _terminable() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that what is half written can be removed."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if ours:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
