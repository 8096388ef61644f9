"""The package under its installed names: what is listed, where it lies, what it loads."""

import importlib
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

import isim

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
ENTRY_POINTS = [
    (group, name, target)
    for group, targets in PYPROJECT["project"]["entry-points"].items()
    for name, target in targets.items()
]
HEAVY = {"numba", "numpy", "pandas", "pyarrow", "pydantic", "rich", "scipy", "simpy"}


def test_every_folder_with_code_is_packaged() -> None:
    """A folder missing in the list works here and is absent from the wheel."""
    found = [
        ".".join((package, *init.parent.relative_to(ROOT / folder).parts))
        for package, folder in SETUPTOOLS["package-dir"].items()
        for init in (ROOT / folder).rglob("__init__.py")
    ]
    assert sorted(found) == sorted(SETUPTOOLS["packages"])


def test_every_module_lies_in_a_package() -> None:
    strays = [
        path.relative_to(ROOT)
        for folder in SETUPTOOLS["package-dir"].values()
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    ]
    assert strays == []


def test_every_other_file_is_packaged() -> None:
    """Files that are not modules reach the wheel only where `package-data` says so."""
    listed = {
        path
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in importlib.import_module(package).__path__
        for path in Path(path).resolve().glob(pattern)
    }
    found = {
        path
        for folder in SETUPTOOLS["package-dir"].values()
        for path in (ROOT / folder).resolve().rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc", ".nbi", ".nbc"}
    }
    assert found == listed


@pytest.mark.parametrize("package", SETUPTOOLS["package-dir"])
def test_the_package_under_test_is_this_checkout(package: str) -> None:
    """An editable install stores absolute paths: in a copied checkout it would load the original."""
    module = importlib.import_module(package)
    assert Path(str(module.__file__)).resolve().is_relative_to(ROOT.resolve()), "run `make clean test`"


def test_the_versions_agree() -> None:
    assert isim.__version__ == PYPROJECT["project"]["version"]


@pytest.mark.parametrize(("group", "name", "target"), ENTRY_POINTS)
def test_every_entry_point_loads(group: str, name: str, target: str) -> None:
    installed = {(point.group, point.name): point for point in distribution("isim-serving").entry_points}
    assert (group, name) in installed, "pyproject.toml changed since the install: run `make test`"
    module, _, attribute = target.partition(":")
    assert installed[group, name].load() is getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr))\n"
        f"sys.argv = ['isim', *{arguments!r}]\n"
        "import isim.cli\n"
        "isim.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "isim" in done.stdout
