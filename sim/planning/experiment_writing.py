"""Write an experiment file."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from isim.building.experiment_file import rename_paths
from isim.errors import ExperimentError, TraceError
from isim.toml_text import toml_text
from isim.traces.whole_file import whole_file


def check_free(path: Path, force: bool) -> None:
    """Check that an experiment file could be written.

    Raises
    ------
    ExperimentError
        There is something of that name, and `force` is false or it is a folder.
    """
    if path.is_dir():
        raise ExperimentError(f"{path}: a folder; give the name of a file")
    if os.path.lexists(path) and not force:
        raise ExperimentError(f"{path}: exists already; choose another name, or replace it with -f/--force")


def write_experiment(path: Path, keys: Mapping[str, Any], comments: Iterable[str], force: bool = False) -> None:
    """Write an experiment file, whole or not at all; paths relative to here are then relative to it.

    Parameters
    ----------
    keys
        As in an experiment file, with paths as seen from here.
    comments
        Lines above them.

    Raises
    ------
    ExperimentError
        It exists and `force` is false, or it cannot be written.

    Examples
    --------
    >>> write_experiment(Path("e.toml"), {"profile": "../p.parquet", "arrivals": {"rate": "5rps"}}, ["As planned"])
    >>> print(Path("e.toml").read_text(), end="")
    # As planned
    profile = "../p.parquet"
    <BLANKLINE>
    [arrivals]
    rate = "5rps"
    """
    check_free(path, force)
    own = dict(keys)
    if isinstance(arrivals := own.get("arrivals"), dict):
        own["arrivals"] = dict(arrivals)
    rename_paths(own, lambda each: each if Path(each).is_absolute() else os.path.relpath(each, path.parent))
    text = "".join(f"# {line}\n" for line in comments) + toml_text(own)
    try:
        with whole_file(path, force) as file:
            file.write(text.encode())
    except TraceError as error:
        raise ExperimentError(*error.problems) from None
