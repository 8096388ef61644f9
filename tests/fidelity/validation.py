"""Write the tables and plots of docs/validation.md, and build/validation.json; `make validation` runs this."""

import argparse
import json
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import section_cpu
import section_microbenchmarks
import section_pairs
import section_serving
import section_sharing
from figures import Section

NAMES = ("v100-pairs", "microbenchmarks", "mps-shares", "time-slicing", "cpu", "serving-logs")


def main() -> None:
    """Compute every section, then write all files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the measurements")
    parser.add_argument("--recorded", type=Path, default=Path("build"), help="folder of what was recorded on this CPU")
    parser.add_argument("--page", type=Path, required=True, help="the page whose marked parts are replaced")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    data = arguments.data
    for name in NAMES:  # before minutes of computing
        replaced(arguments.page.read_text(encoding="utf-8"), name, [])
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        made = (
            section_pairs.section(data, executor),
            section_microbenchmarks.section(data),
            section_sharing.shares(data, executor),
            section_sharing.turns(data, executor),
            section_cpu.section(arguments.recorded, executor),
            section_serving.section(data),
        )
    sections: dict[str, Section] = dict(zip(NAMES, made, strict=True))
    page = arguments.page.read_text(encoding="utf-8")
    for name, section in sections.items():
        page = replaced(page, name, section.lines)
    plots = arguments.page.parent / "validation"
    plots.mkdir(exist_ok=True)
    for section in sections.values():
        for file, text in section.plots.items():
            (plots / file).write_text(text, encoding="utf-8")
    arguments.page.write_text(page, encoding="utf-8")
    figures = {name: section.figures for name, section in sections.items()}
    arguments.output.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def replaced(page: str, name: str, lines: list[str]) -> str:
    """Return the page with what stands between the two marks of a part replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"validation: the page lacks the marks {begin} and {end}; put them where the table belongs")
    body = "\n".join(["", "", *lines, "", ""])
    return re.sub(f"(?s){re.escape(begin)}.*{re.escape(end)}", lambda _: begin + body + end, page)


if __name__ == "__main__":
    main()
