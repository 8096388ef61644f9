"""Write what people look at, of a run or a comparison."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from isim.errors import RunError
from isim.report.comparison_page import comparison_page
from isim.report.run_page import run_page
from isim.run import Run
from isim.timeline import write_timeline

Facts = Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]]


def write_report(folder: Path, output: Path, force: bool, facts: Facts) -> None:
    """Write a page about a run folder or the folder of a comparison, whole or not at all.

    Parameters
    ----------
    facts
        Of what `run.json` says, what the run was made of, a name and a line each.

    Raises
    ------
    RunError
        The folder is neither, something in it cannot be read, or the page cannot be written.
    """
    _check_free(output, force)
    title = Path(os.path.realpath(folder)).name
    if (folder / "compare.json").is_file():
        text = comparison_page(folder, title)
    else:
        run = Run.read(folder)
        text = run_page(run, title, facts(run.description))
    partial = output.with_name(f".{output.name}.partial")
    try:
        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(output, error) from None


def write_run_timeline(
    folder: Path, output: Path, force: bool, from_s: float, to_s: float, kernels: bool = False
) -> None:
    """Write the timeline of a run for Perfetto, whole or not at all.

    Raises
    ------
    IsimError
        It is no run folder, something in it cannot be read, the file cannot be written, or kernels cannot be told of.
    """
    _check_free(output, force)
    if (folder / "compare.json").is_file():
        raise RunError(f"{folder}: a comparison has no timeline (found compare.json); give one of its run folders")
    run = Run.read(folder)
    if from_s >= min(to_s, run.description["ending"]["end_s"]):
        end_s = run.description["ending"]["end_s"]
        raise RunError(
            f"{folder}: nothing from {from_s:g} s to {to_s:g} s (the run ends at {end_s:.4g} s); correct --from"
        )
    try:
        write_timeline(run, output, from_s, to_s, kernels)
    except OSError as error:
        raise _unwritable(output, error) from None


def _check_free(output: Path, force: bool) -> None:
    if output.is_dir():
        raise RunError(f"{output}: a folder; give the name of a file")
    if os.path.lexists(output) and not force:
        raise RunError(f"{output}: exists already; choose another name, or replace it with -f/--force")
    if not output.parent.is_dir():
        raise RunError(f"{output}: no folder {output.parent}; make it, or choose another")


def _unwritable(output: Path, error: OSError) -> RunError:
    return RunError(f"{output}: cannot be written ({error.strerror or error}); choose another place")
