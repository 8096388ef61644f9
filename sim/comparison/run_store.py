"""The finished runs of a sweep on disk, so that an interrupted sweep goes on where it stopped."""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from isim.building.experiment_keys import ExperimentKeys
from isim.errors import RunError
from isim.run import versions
from isim.scratch import scratch

_FILE = re.compile(r"(.+?\.(?:py(?=:|$)|[A-Za-z0-9]+$))")
"""What in a key may be the path of a file: the whole text, or what stands before the class in it."""


class RunStore:
    """Keep files under names that say all that determines them, each set whole or not at all.

    Parameters
    ----------
    folder
        Where to; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sha256: dict[str, str | None] = {}

    def name(self, experiment: ExperimentKeys, *more: Any) -> str:
        """Return the name of an experiment's results: a digest of its keys, the files they name, and the versions.

        Parameters
        ----------
        more
            What else determines the results, as JSON takes it.
        """
        keys = experiment.model_dump(mode="json")
        files = {text: self._digest(text) for text in _texts(keys)}
        text = json.dumps([keys, files, versions(), more], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def has(self, name: str) -> bool:
        """Return whether results of this name are complete."""
        return self.path(name).is_dir()

    def path(self, name: str) -> Path:
        """Return the folder of results."""
        return self.folder / name

    def put(self, name: str, files: Mapping[str, bytes]) -> None:
        """Keep files as the folder of that name.

        Raises
        ------
        RunError
            They cannot be written.
        """
        partial = self.folder / f".{name}.partial"
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            for each, content in files.items():
                with (partial / each).open("wb") as file:
                    file.write(content)
                    os.fsync(file.fileno())
            partial.rename(self.path(name))
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise RunError(
                f"{self.folder}: cannot be written ({error.strerror}); make room, and start the same command again"
            ) from None

    def _digest(self, text: str) -> str | None:
        if text not in self._sha256:
            match = _FILE.match(text)
            self._sha256[text] = None
            if match is not None and Path(match[1]).is_file():
                with Path(match[1]).open("rb") as file:
                    self._sha256[text] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._sha256[text]


@contextmanager
def opened(output: Path | None) -> Iterator[RunStore]:
    """Yield a store that outlives an interruption if there is an output: OUTPUT.unfinished, removed when all is done.

    Raises
    ------
    RunError
        It cannot be written, is something else, or belongs to a sweep that runs now.
    """
    if output is None:
        with scratch() as temporary:
            yield RunStore(temporary)
        return
    folder = Path(os.path.realpath(output))
    folder = folder.with_name(f"{folder.name}.unfinished")
    try:
        if folder.exists() and not (folder / _LOCK).is_file():
            raise RunError(f"{folder}: exists and is not a sweep of isim (no {_LOCK} in it); choose another with -o")
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{folder}: cannot be written ({reason}); choose another folder with -o") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(f"{folder}: being written by another isim; wait for it, or choose another with -o") from None
        yield RunStore(folder)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
        with suppress(OSError):
            if folder.is_dir() and [path.name for path in folder.iterdir()] == [_LOCK]:  # nothing to go on from
                shutil.rmtree(folder)


_LOCK = "lock"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
