"""The run folder: written whole or not at all, and read again."""

import errno
import json
import os
import platform
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from isim import __version__
from isim.errors import RunError

SCHEMA_VERSION = "1"
DESCRIPTION = "run.json"
TABLES = ("requests", "batches", "overlaps")

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Run:
    """Hold a run folder and what its `run.json` says; made by `Experiment.run` or `read`.

    Parameters
    ----------
    folder
        Where the run lies.
    description
        The content of `run.json`.
    temporary
        What removes the folder when the run is no longer needed.
    """

    def __init__(
        self, folder: Path, description: dict[str, Any], temporary: "TemporaryDirectory[str] | None" = None
    ) -> None:
        self.folder = folder
        self.description = {"schema": SCHEMA_VERSION, **description}
        self._temporary = temporary

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Read a run folder.

        Raises
        ------
        RunError
            It is not a run folder, of a version this isim does not know, or a file is missing or damaged.
        """
        folder = Path(folder)
        try:
            description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        except FileNotFoundError:
            found = f"no {DESCRIPTION}" if folder.is_dir() else "no such folder"
            raise RunError(f"{folder}: not a run folder ({found}); give what 'isim run -o' wrote") from None
        except NotADirectoryError:
            raise RunError(f"{folder}: not a run folder (a file); give what 'isim run -o' wrote") from None
        except OSError as error:
            raise RunError(f"{folder}: cannot be read ({error.strerror}); correct its permissions") from None
        except ValueError as error:
            raise RunError(f"{folder / DESCRIPTION}: not JSON ({error}); simulate again") from None
        schema = description.get("schema") if isinstance(description, dict) else None
        if schema != SCHEMA_VERSION:
            raise RunError(
                f"{folder / DESCRIPTION}: a run of another version (schema {schema!r}, known: {SCHEMA_VERSION!r}); "
                "simulate again, or use the isim that wrote it"
            )
        if missing := [f"{name}.parquet" for name in TABLES if not (folder / f"{name}.parquet").is_file()]:
            raise RunError(f"{folder}: incomplete ({' and '.join(missing)} missing); simulate again")
        return cls(folder, description)

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read one of the tables: `requests`, `batches` or `overlaps`.

        Parameters
        ----------
        columns
            Those needed; all if left out.

        Raises
        ------
        RunError
            The file is not readable Parquet.
        """
        return read_table(self.folder / f"{name}.parquet", columns)

    @property
    def figures(self) -> dict[str, Any]:
        """The figures of docs/metrics.md: `total`, and `models` by name."""
        figures: dict[str, Any] = self.description["figures"]
        return figures

    @property
    def warnings(self) -> list[str]:
        """What a reader of the figures should know, one sentence each."""
        total, parameters = self.figures["total"], self.description["parameters"]
        after, unfinished = self.description["ending"]["arrivals_after_horizon"], total["unfinished"]
        found = []
        if after:
            found.append(
                f"{after} of {total['requests']} requests arrive after the horizon and count as unfinished; "
                "raise the horizon or shorten the trace"
            )
        if unfinished and parameters["horizon_s"] is None:
            found.append(
                f"{unfinished} of {total['requests']} requests were never served: policy {parameters['policy']} still "
                "held them back when nothing more could happen; check when it dispatches"
            )
        return found

    def write_description(self) -> None:
        """Write `run.json` into the folder."""
        text = json.dumps(self.description, indent=2, sort_keys=True, allow_nan=False)
        (self.folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read columns of a table of a run folder.

    Raises
    ------
    RunError
        The file is missing, not readable Parquet, or lacks a column.
    """
    try:
        file = pq.ParquetFile(path)
        has = file.schema_arrow.names
        if missing := [name for name in columns or () if name not in has]:
            raise RunError(f"{path}: no column {missing[0]!r} (has: {', '.join(has)}); simulate again")
        return file.read(columns=columns)
    except FileNotFoundError:
        raise RunError(f"{path}: no such file; simulate again") from None
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}); simulate again") from None


def versions() -> dict[str, str]:
    """Return the versions on which the bits of a result depend."""
    packages = ("numba", "numpy", "pyarrow", "simpy")
    return {"isim": __version__, "python": platform.python_version(), **{name: version(name) for name in packages}}


@contextmanager
def writing(folder: str | Path, force: bool = False, mark: str = DESCRIPTION) -> Iterator[Path]:
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
