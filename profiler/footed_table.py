"""A table and a JSON footer that says where it comes from: what a profile, a recording and telemetry are as files."""

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import pyarrow as pa

from isim.profiler.parquet_file import digest, read_parquet, write_parquet


class FootedTable(ABC):
    """Hold a checked table and its footer; a subclass says what it is and checks what it adopts.

    Parameters
    ----------
    table
        Checked and sorted; to be read only.
    footer_json
        The footer, checked, as JSON.

    Examples
    --------
    >>> from isim.profiler.telemetry import Telemetry
    >>> telemetry = Telemetry.from_table(pa.table({"time_ns": [0], "power_w": [70.0]}), {"device": "L4"})
    >>> telemetry.write("telemetry.parquet")
    >>> read = Telemetry.read("telemetry.parquet")
    >>> read.footer, read.digest() == telemetry.digest()
    ({'device': 'L4', 'schema': '1'}, True)
    """

    _key: ClassVar[str]
    """Under which the footer stands in the file."""
    _what: ClassVar[str]
    _made_by: ClassVar[str]

    def __init__(self, table: pa.Table, footer_json: str) -> None:
        self.table = table
        self._footer_json = footer_json

    @classmethod
    @abstractmethod
    def from_table(cls, table: pa.Table, footer: dict[str, Any], where: str = "table") -> Self:
        """Check, sort and adopt a table."""

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read and check a file.

        Raises
        ------
        ProfileError
            The file is missing, not Parquet, not of this kind, or its content is wrong; all problems at once.
        """
        return cls.from_table(*read_parquet(path, cls._key, cls._what, f"write one with {cls._made_by}"), str(path))

    def write(self, path: str | Path, force: bool = False) -> None:
        """Write it as Parquet, whole or not at all; equal content gives equal bytes.

        Parameters
        ----------
        force
            Replace an existing file.

        Raises
        ------
        ProfileError
            The file exists and `force` is false, or it cannot be written.
        """
        write_parquet(path, self.table, self._key, self._footer_json, force)

    @property
    def footer(self) -> dict[str, Any]:
        """Where it comes from: schema, origin, device and versions, how it was measured (a fresh copy)."""
        footer: dict[str, Any] = json.loads(self._footer_json)
        return footer

    def digest(self) -> str:
        """Return the SHA-256 of the content, whatever file or library version holds it."""
        return digest(self.table, self._footer_json)
