"""A folder for as long as something is computed."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isim.interruption import undisturbed


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a new folder that is removed in the end, also when a signal comes while it is made or removed.

    Examples
    --------
    >>> with scratch() as folder:
    ...     _ = (folder / "run.json").write_text("{}")
    >>> folder.exists()
    False
    """
    folder = Path(tempfile.gettempdir(), f"isim-{secrets.token_hex(8)}")
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        with undisturbed():
            shutil.rmtree(folder, ignore_errors=True)
