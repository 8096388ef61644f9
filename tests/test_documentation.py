"""What a reader relies on: links that lead somewhere, files that are short, names that say something."""

import pkgutil
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MADE = {"build", "dist", "runs", "__pycache__"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
MODULE = re.compile(r"\bisim(?:\.[A-Za-z_]\w*)+")
PLACE = re.compile(r"(?<![\w/.-])(?:sim|traces|profiler|policies|tests|docs)/[\w/.*-]*[\w*/]")
PLACEHOLDER = re.compile(r"<\w+>|NAME")
FOOTERS = {"isim.profile", "isim.colocation", "isim.trace", "isim.telemetry"}  # keys in a Parquet file, not modules
ENTRY_POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"].keys()
VAGUE = re.compile(r"(utils?|helpers?|common|misc|managers?)(_.*)?")


def sources(folder: Path = ROOT) -> Iterator[Path]:
    """Yield the project's own files: not what was installed, built or run here."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path
        elif path.name not in MADE and not path.name.endswith(".egg-info") and not path.name.startswith("."):
            yield from sources(path)


FILES = list(sources())
PAGES = [path for path in FILES if path.suffix == ".md"]


def anchors(page: Path) -> set[str]:
    """Return the anchors that the headings of a page get where Markdown is shown."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    broken = []
    for match in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = match[1].partition("#")
        if ":" in target:
            continue
        path = page.parent / target if target else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(match[0])
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_modules_and_files_exist(page: Path) -> None:
    text = PLACEHOLDER.sub("*", page.read_text(encoding="utf-8"))
    missing = {place for place in PLACE.findall(text) if not any(ROOT.glob(place))}
    for name in set(MODULE.findall(text)) - FOOTERS - ENTRY_POINTS:
        try:
            pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            missing.add(name)
    assert missing == set()


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / match[1]).resolve() for match in LINK.finditer(index.read_text(encoding="utf-8"))}
    pages = {page.resolve() for page in PAGES if page.is_relative_to(index.parent) and page != index}
    assert pages - linked == set()


def test_files_are_short() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in FILES if path.suffix in {".py", ".md"}}
    assert {str(path): lines for path, lines in lengths.items() if lines > 500} == {}


def test_files_are_small() -> None:
    if shutil.which("git") is None:
        pytest.skip("no git here")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not in a git checkout, so nothing tells what belongs to the project")
    tracked = [ROOT / name for name in listed.stdout.split("\0") if name]
    sizes = {str(path): path.stat().st_size for path in tracked if path.exists()}
    assert {path: size for path, size in sizes.items() if size > 2**20} == {}


def test_names_say_something() -> None:
    vague = [str(path) for path in FILES for part in path.relative_to(ROOT).parts if VAGUE.fullmatch(Path(part).stem)]
    assert vague == []
