"""Say in one line what somebody's own code raised, and at which line of theirs."""

import re
import traceback
from pathlib import Path

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 300


def one_line(text: object) -> str:
    """Return the first paragraph of a text as one line, not overlong.

    Examples
    --------
    >>> one_line("no such\\n  key\\n\\nthe rest")
    'no such key'
    """
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", _COLOUR.sub("", str(text))))
    first = next(filter(None, paragraphs), "")
    return first if len(first) <= _LONGEST else f"{first[:_LONGEST]}..."


def what_raised(raised: BaseException) -> str:
    """Return the kind of an exception and its message, in one line.

    Examples
    --------
    >>> what_raised(KeyError("sm"))
    "KeyError ('sm')"
    """
    said = one_line(raised)
    return f"{type(raised).__name__} ({said})" if said else type(raised).__name__


def where_raised(raised: BaseException, path: str | Path | None) -> tuple[Path, int]:
    """Return the last line of a file that an exception passed through, else where it was raised.

    Parameters
    ----------
    path
        The file; None if there is none, as for a class typed at a prompt.
    """
    compiled = getattr(raised, "loc", None)  # numba names the line that it could not compile
    if compiled is not None and Path(str(getattr(compiled, "filename", ""))).is_file():
        return shown(compiled.filename), compiled.line
    frames = traceback.extract_tb(raised.__traceback__)
    own = [frame for frame in frames if path is not None and Path(frame.filename) == Path(path).absolute()]
    frame = (own or frames)[-1]
    return shown(frame.filename), frame.lineno or 0


def fault(raised: BaseException, path: str | Path | None) -> str:
    """Return what was raised and where, such as `KeyError at mine.py:12 ('sm')`."""
    where, line = where_raised(raised, path)
    said = one_line(raised)
    return f"{type(raised).__name__} at {where}:{line}" + (f" ({said})" if said else "")


def shown(path: str | Path) -> Path:
    """Return a path as a user would write it: relative where that is shorter."""
    path = Path(path)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
