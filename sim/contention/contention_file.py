"""A fitted contention model as a TOML file: what it is, what it was fitted to, and how well it does."""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isim.contention.contract import ContentionModel
from isim.errors import ContentionError, TraceError
from isim.plugins import load_plugin
from isim.toml_text import toml_text
from isim.traces.whole_file import whole_file

SCHEMA_VERSION = "1"


def check_free(path: str | Path, force: bool) -> None:
    """Refuse to replace a file unless forced.

    Raises
    ------
    ContentionError
        The file exists and `force` is false.
    """
    if Path(path).exists() and not force:
        raise ContentionError(f"{path}: exists already; choose another path or replace it with -f/--force")


def write_contention(path: str | Path, content: Mapping[str, Any], force: bool = False) -> None:
    """Write a contention file, whole or not at all.

    Parameters
    ----------
    content
        `name` and `parameters` of the model, and any further tables of numbers and strings. Of a model in a file of
        the user's own, its digest is added.

    Raises
    ------
    ContentionError
        The file exists and `force` is false, or it cannot be written.
    """
    check_free(path, force)
    text = toml_text({"schema": SCHEMA_VERSION, **_own(content["name"]), **content})
    try:
        with whole_file(path, force) as file:
            file.write(text.encode())
    except TraceError as error:
        raise ContentionError(*error.problems) from None


def read_contention(path: str | Path) -> tuple[ContentionModel, dict[str, Any]]:
    """Return the model that a contention file describes, and the file's content.

    Raises
    ------
    ContentionError
        The file is missing, not TOML, of another version, or names a model or parameter that does not exist.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContentionError(f"{path}: no such file; write one with 'isim calibrate'") from None
    except OSError as error:
        raise ContentionError(f"{path}: cannot be read ({error.strerror}); name a contention file") from None
    except ValueError as error:
        raise ContentionError(f"{path}: not TOML ({error}); write one with 'isim calibrate'") from None
    if content.get("schema") != SCHEMA_VERSION:
        raise ContentionError(
            f"{path}: not a contention file of a known version (found schema {content.get('schema')!r}, known "
            f"{SCHEMA_VERSION!r}); write one with 'isim calibrate'"
        )
    fitted = content.get("file")
    if fitted is not None and _own(str(content.get("name"))).get("file", fitted) != fitted:
        raise ContentionError(f"{path}: {fitted.get('path')} is not what was fitted; calibrate it anew")
    parameters = content.get("parameters", {})
    spec = f"{content.get('name', '')}:" + ",".join(f"{key}={value!r}" for key, value in parameters.items())
    try:
        model: ContentionModel = load_plugin("contention model", "isim.contention", spec.rstrip(":"), ContentionError)
    except ContentionError as error:
        raise ContentionError(*(f"{path}: {problem}" for problem in error.problems)) from None
    return model, content


def load_contention(spec: str) -> tuple[ContentionModel, dict[str, Any] | None]:
    """Return the model that a contention file (`*.toml`) or a spec names, and the file's content.

    Raises
    ------
    ContentionError
        The file or the spec is wrong.

    Examples
    --------
    >>> load_contention("leftover:kappa=0.9")[0].parameters
    array([0.9 , 0.05, 0.02])
    """
    if spec.endswith(".toml"):
        return read_contention(spec)
    return load_plugin("contention model", "isim.contention", spec, ContentionError), None


def _own(name: str) -> dict[str, dict[str, str]]:
    """Describe the file that a model is defined in, if it is the user's own and can be read."""
    source, of_file, _ = name.rpartition(".py:")
    path = Path(f"{source}.py")
    if not of_file or not path.is_file():
        return {}
    return {"file": {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
