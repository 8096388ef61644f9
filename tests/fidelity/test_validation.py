"""The report: parts of the page are replaced where they are marked, and plots are well-formed."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
import svg
from section_cpu import section as cpu_section
from validation import NAMES, replaced

ROOT = Path(__file__).resolve().parents[2]


def test_only_what_is_between_the_marks_is_replaced() -> None:
    page = "before\n<!-- a -->\nold\n<!-- end of a -->\nafter\n"
    once = replaced(page, "a", ["new"])
    assert once == "before\n<!-- a -->\n\nnew\n\n<!-- end of a -->\nafter\n"
    assert replaced(once, "a", ["new"]) == once


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(SystemExit, match="lacks the marks"):
        replaced("<!-- a -->", "a", ["new"])


def test_the_page_has_a_place_for_every_section() -> None:
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert "a new line" in replaced(page, name, ["a new line"])


def test_without_a_recording_of_a_cpu_the_page_says_so(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        found = cpu_section(tmp_path, executor)
    assert found.figures == {}
    assert found.lines[0].startswith("Not in this report: no recording of a CPU")


def test_the_page_shows_plots_that_are_there() -> None:
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    plots = re.findall(r"\((validation/[^)]+\.svg)\)", page)
    assert len(plots) == 3
    for plot in plots:
        ElementTree.parse(ROOT / "docs" / plot)


def test_a_scatter_places_its_points() -> None:
    """The plot ends at 1.05 times the largest value, 4.2; a point on the diagonal is as far right as it is up."""
    tree = ElementTree.fromstring(svg.scatter("t", [2.1, 4.0], [2.1, 1.0]))
    first, second = ([float(dot.attrib[name]) for name in ("cx", "cy")] for dot in tree.iter() if "cx" in dot.attrib)
    assert first == [56 + 165, 30 + 165]
    assert second[0] > first[0] and second[1] > first[1]


def test_a_curve_reaches_one() -> None:
    tree = ElementTree.fromstring(svg.error_curves("t", {"m": [0.3, 0.9]}, most=0.6))
    [line] = [each.attrib["points"] for each in tree.iter() if "points" in each.attrib]
    assert line.split() == ["56.0,360.0", "221.0,195.0", "386.0,30.0"]
