"""Read a file that another tool wrote: its bytes, its text or its JSON, each refused in one sentence."""

import gzip
import hashlib
import json
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

from isim.errors import ProfileError

_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file that may be larger than memory.

    Raises
    ------
    ProfileError
        The file cannot be read.

    Examples
    --------
    >>> _ = Path("a.txt").write_text("a")
    >>> sha256_of("a.txt")[:8]
    'ca978112'
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise ProfileError(f"{path}: no such file; name what the profiler wrote") from None
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror or error}); name a file") from None


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file, unpacked if it is compressed with gzip.

    Raises
    ------
    ProfileError
        The file cannot be read, is empty, or its compressed content is cut off or damaged.

    Examples
    --------
    >>> _ = Path("a.gz").write_bytes(gzip.compress(b"text"))
    >>> read_bytes("a.gz")
    b'text'
    """
    sha256_of(path)  # says what is wrong with the file itself
    content = Path(path).read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ProfileError(f"{path}: damaged or cut off (gzip: {error}); copy it again") from None
    if not content.strip():
        raise ProfileError(f"{path}: empty; name what the profiler wrote")
    return content


def read_text(path: str | Path) -> str:
    """Return the text of a file: UTF-8, or UTF-16 as a redirection of PowerShell writes it.

    Raises
    ------
    ProfileError
        The file cannot be read, is empty or is no text.

    Examples
    --------
    >>> _ = Path("a.txt").write_text("text", encoding="utf-16")
    >>> read_text("a.txt")
    'text'
    """
    content = read_bytes(path)
    try:
        return content.decode(_BYTE_ORDER_MARKS.get(content[:2], _BYTE_ORDER_MARKS.get(content[:3], "utf-8")))
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: not text ({error.reason} at byte {error.start}); name a text file") from None


def read_json(path: str | Path) -> Any:
    """Return the JSON of a file, compressed or not; fractions stay exact, as `Decimal`.

    Times since 1970 in fractions of a microsecond have more digits than a binary float holds.

    Raises
    ------
    ProfileError
        The file cannot be read or is not JSON.

    Examples
    --------
    >>> _ = Path("a.json").write_text('{"ts": 1700000000000000.123}')
    >>> read_json("a.json")
    {'ts': Decimal('1700000000000000.123')}
    >>> _ = Path("a.json").write_text('{"ts": ')
    >>> read_json("a.json")
    Traceback (most recent call last):
    isim.errors.ProfileError: a.json: not JSON (Expecting value in line 1, column 8); export or copy it again
    """
    text = read_text(path)
    try:
        return json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise ProfileError(
            f"{path}: not JSON ({error.msg} in line {error.lineno}, column {error.colno}); export or copy it again"
        ) from None
    except (RecursionError, ValueError) as error:
        raise ProfileError(f"{path}: not JSON of a profiler ({error}); name what the profiler wrote") from None
