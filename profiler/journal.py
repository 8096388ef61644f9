"""What a campaign has measured so far, kept beside its output so that an interrupted one goes on where it stopped."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from isim.errors import ProfileError


class Journal:
    """Append results to a file of lines, one a line; a line that a crash tore is dropped when it is read again.

    Parameters
    ----------
    output
        What the campaign will write; the journal is the hidden file beside it.
    key
        What is measured and how, as JSON: only a campaign with the same key goes on with a journal.
    force
        Replace the output, and the journal of another campaign.

    Raises
    ------
    ProfileError
        The output exists, the journal is another campaign's, in use or not writable.

    Examples
    --------
    >>> import tempfile
    >>> output = Path(tempfile.mkdtemp()) / "p.parquet"
    >>> with Journal(output, {"models": ["mlp"]}) as journal:
    ...     journal.add("mlp@1", {"solo_ns": 100})
    >>> with Journal(output, {"models": ["mlp"]}) as journal:
    ...     journal.results
    {'mlp@1': {'solo_ns': 100}}
    >>> with Journal(output, {"models": ["mlp"]}) as journal:
    ...     journal.finish()
    >>> journal.path.exists()
    False
    """

    def __init__(self, output: str | Path, key: dict[str, Any], force: bool = False) -> None:
        self.output = Path(output)
        self.path = self.output.with_name(f".{self.output.name}.journal")
        self.results: dict[str, Any] = {}
        if self.output.exists() and not force:
            raise ProfileError(f"{output}: exists already; choose another path or replace it with -f/--force")
        # What stood there when the campaign began: if that has changed since, the campaign had already ended.
        key = {"journal": "1", "replaces": _identity(self.output), **key}
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ProfileError(f"{output}: cannot be written ({error.strerror}); choose another path") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._go_on(json.loads(json.dumps(key)), force)
        except BlockingIOError:
            os.close(self._file)
            raise ProfileError(f"{output}: another campaign is writing it ({self.path}); wait for it") from None
        except BaseException:
            os.close(self._file)
            raise

    def add(self, name: str, result: Any) -> None:
        """Keep the result of one measurement, for good when this returns.

        Raises
        ------
        ProfileError
            It cannot be written; everything added before stays.
        """
        # First, so that an interrupt right behind the writing does not take the journal for an empty one.
        self.results[name] = json.loads(json.dumps(result))
        self._append([name, result])

    def finish(self) -> None:
        """Remove the journal: the output is written."""
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if not self.results:
            self.finish()  # nothing was measured: there is nothing to go on with
        os.close(self._file)

    def _go_on(self, key: dict[str, Any], force: bool) -> None:
        with os.fdopen(os.dup(self._file), "rb") as file:
            whole = [line for line in file.read().splitlines(keepends=True) if line.endswith(b"\n")]
        lines = []
        for line in whole:
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        found = lines[0] if lines and isinstance(lines[0], dict) else None
        if found == key:
            self.results = dict(lines[1:])
            os.ftruncate(self._file, sum(map(len, whole[: len(lines)])))
            os.lseek(self._file, 0, os.SEEK_END)
            return
        ended = found is not None and found.get("replaces") != key["replaces"]
        if found is not None and not ended and not force:
            differing = ", ".join(sorted(name for name in {*found, *key} if found.get(name) != key.get(name)))
            raise ProfileError(
                f"{self.path}: kept from an interrupted campaign of another kind (differs in: {differing}); "
                "repeat its command to finish it, or delete this file"
            )
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        self._append(key)

    def _append(self, content: Any) -> None:
        line = json.dumps(content, allow_nan=False).encode() + b"\n"
        end = os.lseek(self._file, 0, os.SEEK_CUR)
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, end)
            raise ProfileError(
                f"{self.path}: cannot be written ({error.strerror}); free some space and repeat the command: "
                "it goes on where it stopped"
            ) from None


def _identity(path: Path) -> list[int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_ino, stat.st_mtime_ns, stat.st_size]
