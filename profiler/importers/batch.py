"""One batch as a foreign file gave it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ImportedBatch:
    """Hold the operations of one batch, and what a profile and its reader must know of their source.

    Parameters
    ----------
    rows
        The profile's columns of each operation, in launch order.
    facts
        What the footer of a profile says of it: file name and SHA-256, units, how it was cut, what was left out.
    notes
        What was changed or could not be told, in sentences for people.
    device
        What the file says of the device: `name`, `sms` and the like; empty if nothing.

    Examples
    --------
    >>> ImportedBatch("bert", 8, ({"name": "gemm", "duration_ns": 900},), {"file": "bert8.csv"}).notes
    ()
    """

    model: str
    batch_size: int
    rows: tuple[dict[str, Any], ...]
    facts: dict[str, Any]
    notes: tuple[str, ...] = ()
    device: Mapping[str, Any] = field(default_factory=dict)
