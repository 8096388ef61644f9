"""Tell which profiler wrote a file, from what is in it, whatever it is called."""

import re
import zlib
from pathlib import Path

from isim.errors import ProfileError
from isim.profiler.importers.known_formats import FORMATS
from isim.profiler.importers.source import sha256_of

_HEAD_BYTES = 2**20
_BINARY = {b"SQLite format 3\0": "nsys", b"PAR1": "nsys", b"NVR\0": "ncu-rep"}
# In the order in which they are told apart: the JSON formats are lists or objects of much the same events.
_TEXT = (
    ("ncu", re.compile(r'"ID","Process ID"')),
    ("nvidia-smi", re.compile(r"\A\s*timestamp,")),
    ("kineto", re.compile(r'"traceEvents"|"schemaVersion"')),
    ("trtexec", re.compile(r'"averageMs"|"startComputeMs"|"performance_summary"')),
    ("onnxruntime", re.compile(r'"cat"\s*:\s*"(Session|Node)"')),
    ("kineto", re.compile(r'\A\s*\[.*"ph"\s*:', re.DOTALL)),
)


def detect(path: str | Path) -> str:
    """Return the format of a file, one of `FORMATS`.

    Raises
    ------
    ProfileError
        The file cannot be read, or is of none of them.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.txt"
    >>> _ = path.write_text("timestamp, power.draw [W]")
    >>> detect(path)
    'nvidia-smi'
    """
    sha256_of(path)  # says what is wrong with the file itself
    with Path(path).open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES)
        except zlib.error as error:
            raise ProfileError(f"{path}: damaged (gzip: {error}); copy it again") from None
    for magic, name in _BINARY.items():
        if head.startswith(magic):
            return name
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="replace")
    for name, pattern in _TEXT:
        if pattern.search(text):
            return name
    found = repr(text.lstrip()[:40]) if head else "nothing"
    raise ProfileError(
        f"{path}: of no known format (found {found}; known: {', '.join(FORMATS)}); "
        "export a .nsys-rep with 'nsys export --type sqlite'"
    )
