"""Write a folder whole or not at all, whatever happens meanwhile."""

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from isim.errors import ExperimentError, FlagError, IsimError, RunError
from isim.interruption import terminable, undisturbed

_RUN = r"(run\.json|(requests|batches|overlaps|predictions|preemptions)\.parquet)"
_OWN = {"run.json": _RUN, "compare.json": rf"compare\.json|[0-9]+-[^/]+/seed-[0-9]+/{_RUN}"}
"""By the mark of a kind of folder, the paths of the files in it; nothing with any other file is ever replaced."""

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
        The file by which such a folder is known; a folder without it, or with files that such a folder does not have,
        is somebody else's, and never replaced.

    Raises
    ------
    RunError
        The name is taken, or something cannot be written (the disk is full, say).

    Examples
    --------
    >>> with writing("answer") as partial:
    ...     _ = (partial / "run.json").write_text("{}")
    >>> [path.name for path in Path("answer").iterdir()]
    ['run.json']
    >>> with writing("answer") as partial:
    ...     pass
    Traceback (most recent call last):
    isim.errors.RunError: answer: exists already; choose another folder with -o, or replace it with -f/--force
    """
    shown, folder = str(folder), Path(os.path.realpath(folder))  # what a link leads to is replaced, not the link
    check_free(shown, force, mark)
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    made: list[Path] = []
    with terminable():
        try:
            for above in reversed([path for path in partial.parents if not path.exists()]):
                above.mkdir()
                made.append(above)
            partial.mkdir()
            yield partial
            _to_disk(partial)
            check_free(shown, force, mark)
            _rename(partial, folder)
        except BaseException as error:
            with undisturbed():
                shutil.rmtree(partial, ignore_errors=True)
                for above in reversed(made):
                    with suppress(OSError):
                        above.rmdir()
            if isinstance(error, OSError):
                reason = error.strerror or str(error).splitlines()[0]
                advice = "make room, or choose another disk" if error.errno in _FULL else "choose another folder"
                raise RunError(f"{shown}: cannot be written ({reason}); {advice} with -o; {_left(folder)}") from None
            raise


def check_free(shown: str | Path, force: bool, mark: str) -> None:
    """Check that a folder could be written now.

    Parameters
    ----------
    shown, force, mark
        As of `writing`.

    Raises
    ------
    RunError
        The name is taken.

    Examples
    --------
    >>> Path("thesis").mkdir()
    >>> _ = Path("thesis/text.txt").write_text("years of work")
    >>> check_free("thesis", force=True, mark="run.json")
    Traceback (most recent call last):
    isim.errors.RunError: thesis: exists and is not what -f/--force may replace (no run.json in it); ...
    """
    folder = Path(os.path.realpath(shown))
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        found = "a file"
    elif any(folder.iterdir()) and not (folder / mark).is_file():
        found = f"no {mark} in it"
    elif (foreign := _foreign(folder, mark)) is not None:
        found = f"{foreign} in it is not isim's"
    elif force:
        return
    else:
        raise RunError(f"{shown}: exists already; choose another folder with -o, or replace it with -f/--force")
    raise RunError(f"{shown}: exists and is not what -f/--force may replace ({found}); choose another with -o")


@contextmanager
def also_taken(folder: str | Path | None, force: bool, mark: str) -> Iterator[None]:
    """Say also that a folder is taken, where something else is wrong.

    Parameters
    ----------
    folder
        Where the answer would have gone; None for nowhere.
    force, mark
        As of `writing`.

    Raises
    ------
    IsimError
        Something was wrong.

    Examples
    --------
    >>> Path("taken").touch()
    >>> with also_taken("taken", force=False, mark="run.json"):
    ...     raise ExperimentError("e.toml: no requests (found none); give some")
    Traceback (most recent call last):
    isim.errors.ExperimentError: e.toml: no requests (found none); give some
    taken: exists and is not what -f/--force may replace (a file); choose another with -o
    """
    try:
        yield
    except IsimError as error:
        if folder is not None:
            try:
                check_free(folder, force, mark)
            except RunError as taken:
                kind = FlagError if isinstance(error, FlagError) else ExperimentError
                raise kind(*error.problems, *taken.problems) from None
        raise


def _left(folder: Path) -> str:
    """Say what there is after a folder could not be written."""
    with suppress(OSError):
        if any(folder.iterdir()):
            return "nothing of it was kept, and the old folder is as it was"
    return "nothing was kept"


def _foreign(folder: Path, mark: str) -> str | None:
    """Return the first file in a folder that a folder of this kind does not have."""
    own = re.compile(_OWN.get(mark, re.escape(mark)))
    listed = _listed(folder / mark) if mark == "split.json" else set()
    for above, folders, files in os.walk(folder):
        folders.sort()
        links = [name for name in folders if Path(above, name).is_symlink()]
        for name in sorted([*files, *links]):
            path = Path(above, name).relative_to(folder).as_posix()
            if not own.fullmatch(path) and path not in listed:
                return path
    return None


def _listed(split: Path) -> set[str]:
    """Return the files that `split.json` names; none if it is not what isim wrote."""
    try:
        return {part["file"] for part in json.loads(split.read_bytes()).values()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return set()


def _to_disk(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _rename(partial: Path, folder: Path) -> None:
    old = partial.with_suffix(".old")
    replaced = folder.exists() and any(folder.iterdir())  # an empty folder is replaced by the renaming itself
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
